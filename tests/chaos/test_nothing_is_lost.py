"""Workers killed, PostgreSQL and Redis restarted, streams cut: builds end as if nothing had happened."""

import logging
import signal
import tarfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from agents.models import AgentMessage, SpendEntry
from agents.start import start_build
from agents.transcript import as_messages
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from rehearsal.anthropic_api.validation import validate_request
from tests.chaos import accounts, witness
from tests.chaos.conftest import BUILDS, KILLS, ROUNDS, SEED
from tests.chaos.monkey import Monkey, patiently
from tests.chaos.play import BRIEF, EFFECTS, LOOK_LIMIT, TURNS_A_ROUND
from tests.journeys.conftest import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.services, pytest.mark.timeout(60 + 30 * KILLS)]

RECOVERY_SECONDS = 30
log = logging.getLogger(__name__)


def start(founder):
    return start_build(create_project(owner=founder, **BRIEF))[0]


def until_over(jobs, workers):
    def over():
        return all(job.is_over for job in patiently(lambda: list(Job.objects.all())))

    wait_until(over, f"the builds to end; {workers.log.read_text()[-3000:]}", limit=180)
    for job in jobs:
        job.refresh_from_db()
        assert job.status == JobStatus.READY, (job.status_message, workers.log.read_text()[-5000:])


def test_every_build_ends_as_if_nothing_had_happened(
    founder, workers, rehearsal, postgres, redis_server, tmp_path
):
    log.info("CHAOS_SEED=%s", SEED)
    workers.start()
    calm = start(founder)
    until_over([calm], workers)
    for _ in range(3):
        workers.start()
    jobs = [start(founder) for _ in range(BUILDS)]
    turns = BUILDS * ROUNDS * TURNS_A_ROUND
    monkey = Monkey(SEED, KILLS, workers, rehearsal, postgres, redis_server, turns)
    monkey.play()
    until_over(jobs, workers)
    assert set(monkey.exit_codes) <= {0, -signal.SIGTERM}  # the latter: asked before it had begun
    for job in jobs:
        compare(job, calm)
        check_effects(job, tmp_path)
        check_events(job)
        check_money(job, rehearsal)
        assert witness.ownership_problems(job.pk) == []
    assert longest_recovery(jobs, monkey.killed) < RECOVERY_SECONDS


def compare(job, calm):
    """The same calls in the same order as in the calm build, each with one result; the API takes it all."""
    rows = list(AgentMessage.objects.filter(session=job.pk).values_list("role", "content"))
    request = {"model": job.session.model, "max_tokens": 100, "messages": as_messages(rows)[:-1]}
    assert validate_request(request) == []
    assert settled_calls(job) == settled_calls(calm)
    assert notes_in_manifest(job) == notes_in_manifest(calm)


def turns_of(job):
    """Each turn's calls as `(name, input, text of the result)`."""
    turns, results = [], {}
    for message in AgentMessage.objects.filter(session=job.pk):
        calls = [block for block in message.content if block["type"] == "tool_use"]
        if calls:
            turns.append(calls)
        for block in message.content:
            if block["type"] == "tool_result":
                assert block["tool_use_id"] not in results
                results[block["tool_use_id"]] = "".join(part["text"] for part in block["content"])
    assert results.keys() == {call["id"] for calls in turns for call in calls}
    return [[(call["name"], call["input"], results[call["id"]]) for call in calls] for calls in turns]


def settled_calls(job):
    """What was done by the transcript: a turn that was interrupted counts where a look found its effect."""
    settled, open_turn = [], None
    for turn in turns_of(job):
        calls = [(name, wanted) for name, wanted, _ in turn]
        if any(is_interrupted(result) for _, _, result in turn):
            open_turn = calls
        elif calls[0][1].get("limit") != LOOK_LIMIT:
            settled.append(calls)
        elif "first" not in turn[0][2]:
            settled.append(open_turn)
    return settled


def is_interrupted(result):
    return "was interrupted" in result


def notes_in_manifest(job):
    newest = job.project.snapshots.first()
    return sorted(
        (file["path"], file["sha256"]) for file in newest.manifest if file["path"].startswith("notes/")
    )


def check_effects(job, data_dir):
    """Each command ran once for its result, and at most once more for each result that says "interrupted"."""
    lines = Counter(effects_of(job, data_dir))
    finished, interrupted = Counter(), Counter()
    for turn in turns_of(job):
        for name, wanted, result in turn:
            if name == "bash" and EFFECTS in wanted["command"]:
                label = wanted["command"].split("echo ")[1].split()[0]
                (interrupted if is_interrupted(result) else finished)[label] += 1
    assert set(finished.values()) == {1}
    assert lines.keys() == finished.keys()
    for label, count in lines.items():
        assert 1 <= count <= 1 + interrupted[label], (label, count, interrupted[label])


def effects_of(job, data_dir):
    newest = job.project.snapshots.first()
    with tarfile.open(Path(data_dir) / "snapshots" / newest.key) as archive:
        return archive.extractfile(EFFECTS).read().decode().split()


def check_events(job):
    """No number is missing, and each call was announced once and finished once."""
    events = list(job.events.all())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    ids = sorted(
        block["id"]
        for message in AgentMessage.objects.filter(session=job.pk)
        for block in message.content
        if block["type"] == "tool_use"
    )
    for kind in (EventType.TOOL_CALLED, EventType.TOOL_FINISHED):
        assert sorted(event.payload["call_id"] for event in events if event.type == kind) == ids


def check_money(job, rehearsal):
    """The ledger is the provider's bill, less the calls whose answer no worker lived to receive."""
    query = {"user_id": str(job.pk)}
    bill = httpx.get(f"{rehearsal.urls['anthropic_url']}/rehearsal/billed", params=query).json()
    entries = list(SpendEntry.objects.filter(session=job.pk).order_by("created_at"))
    assert {entry.status for entry in entries} <= {"settled", "released"}
    account = accounts.reconcile(entries, bill["requests"])
    assert account is not None, "a charge of the provider belongs to no entry of the ledger"
    log.info("%s calls died with their worker: %s µ$", len(account.lost), account.lost_microdollars)
    spent = sum(entry.cost_microdollars for entry in entries)
    assert abs(spent + account.lost_microdollars - bill["totals"]["cost_microdollars"]) <= len(entries)
    assert spent == job.session.cost_microdollars


def longest_recovery(jobs, killed):
    """The longest time from a kill until the next claim of a session that the dead worker had owned."""
    times = [0.0]
    for job in jobs:
        claims = witness.claims(job.pk)
        for (owner, since), (_, until) in pairwise(claims):
            times += [
                (until - at).total_seconds() for who, at in killed if who == owner and since < at < until
            ]
    log.info(
        "%s sessions lost their worker; the slowest recoveries: %s s", len(times) - 1, sorted(times)[-5:]
    )
    return max(times)
