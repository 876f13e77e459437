"""Workers killed, PostgreSQL and Redis restarted, streams cut: builds end as if nothing had happened."""

import logging
import signal
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection

from agents.actions.start import start_build
from agents.models import AgentMessage, SpendEntry
from cofounder.models import User
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from rehearsal.anthropic_api.validation import validate_request
from tests.archives import content_of
from tests.chaos import accounts, witness
from tests.chaos.conftest import BUILDS, KILLS, ROUNDS, SEED, NamedWorkers
from tests.chaos.monkey import Monkey, patiently
from tests.chaos.play import BRIEF, EFFECTS, TURNS_A_ROUND, is_a_look, is_an_aid
from tests.chaos.servers import Postgres
from tests.jobs.redis_server import RedisServer
from tests.journeys.conftest import Rehearsal, wait_until
from tests.transcripts import as_messages

pytestmark = [pytest.mark.chaos, pytest.mark.services, pytest.mark.timeout(60 + 30 * KILLS)]

RECOVERY_SECONDS = 30
log = logging.getLogger(__name__)


def start(founder: User) -> Any:
    return start_build(create_project(owner=founder, **BRIEF))[0]


def until_over(jobs: list[Any], workers: NamedWorkers) -> None:
    def over() -> bool:
        return all(job.is_over for job in patiently(lambda: list(Job.objects.all())))

    wait_until(over, f"the builds to end; {workers.log.read_text()[-3000:]}", limit=180)
    for job in jobs:
        job.refresh_from_db()
        assert job.status == JobStatus.READY, (job.status_message, defects(workers))


def defects(workers: NamedWorkers) -> str:
    """Errors of our own code in the workers' logs, with the end of their tracebacks."""
    text = workers.log.read_text()
    lines = [line for line in text.splitlines() if "build.defect" in line or "build.failed" in line]
    return "\n".join([*lines, text[-3000:]])


def test_every_build_ends_as_if_nothing_had_happened(
    founder: User,
    workers: NamedWorkers,
    rehearsal: Rehearsal,
    postgres: Postgres,
    redis_server: RedisServer,
    tmp_path: Path,
) -> None:
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
    assert set(monkey.exit_codes) <= {0, -signal.SIGTERM}  # the latter: asked before it had started
    for job in jobs:
        compare(job, calm)
        check_effects(job, tmp_path)
        check_events(job)
        check_money(job, rehearsal)
        assert witness.ownership_problems(job.pk) == []
    log.info("the sessions were claimed %s times", [len(witness.claims(job.pk)) for job in jobs])


def test_a_dead_worker_s_session_goes_on_in_another_within_half_a_minute(
    founder: User, workers: NamedWorkers
) -> None:
    both = {"worker-1": workers.start(), "worker-2": workers.start()}
    wait_until(lambda: live_workers() == 2, "both workers")
    job = start(founder)
    wait_until(lambda: AgentMessage.objects.filter(session=job.pk).count() > 6, "a few turns")
    workers.end(both[witness.claims(job.pk)[0][0]], signal.SIGKILL)
    died = datetime.now(UTC)
    wait_until(lambda: len(witness.claims(job.pk)) == 2, "another claim")
    took = (witness.claims(job.pk)[1][1] - died).total_seconds()
    log.info("recovered after %.1f s", took)
    assert took < RECOVERY_SECONDS


def test_a_worker_outlives_its_database_and_its_builds_go_on(
    founder: User, workers: NamedWorkers, postgres: Postgres
) -> None:
    worker = workers.start()
    job = start(founder)
    wait_until(lambda: AgentMessage.objects.filter(session=job.pk).count() > 6, "a few turns")
    before = witness.claims(job.pk)
    postgres.restart()
    wait_until(lambda: patiently(lambda: witness.claims(job.pk)) > before, "another claim", limit=30)
    until_over([job], workers)
    assert worker.poll() is None
    assert witness.ownership_problems(job.pk) == []


def live_workers() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers")
        return cursor.fetchone()[0]


def compare(job: Job, calm: Any) -> None:
    """The same calls in the same order as in the calm build, each with one result, accepted by the API."""
    rows = list(AgentMessage.objects.filter(session=job.pk).values_list("role", "content"))
    request = {"model": job.session.model, "max_tokens": 100, "messages": as_messages(rows)[:-1]}
    assert validate_request(request) == []
    assert done_by(job) == done_by(calm)
    assert notes_in_manifest(job) == notes_in_manifest(calm)


def calls_of(job: Job) -> list[tuple[Any, Any, Any]]:
    """Each call as `(name, input, result)`; each has exactly one result."""
    calls, results = [], {}
    for message in AgentMessage.objects.filter(session=job.pk):
        for block in message.content:
            if block["type"] == "tool_use":
                calls.append(block)
            elif block["type"] == "tool_result":
                assert block["tool_use_id"] not in results
                results[block["tool_use_id"]] = block
    assert results.keys() == {call["id"] for call in calls}
    return [(call["name"], call["input"], results[call["id"]]) for call in calls]


def done_by(job: Job) -> Any:
    """What was done, in the order in which the transcript first shows it as done."""
    done, interrupted = [], None
    for name, wanted, result in calls_of(job):
        if is_interrupted(result):
            interrupted = (name, wanted)
        elif is_a_look(name, wanted):
            done += [] if "first" in text_of(result) else [interrupted]
        elif not is_an_aid(name, wanted):
            assert not result.get("is_error"), text_of(result)
            done += [] if (name, wanted) in done else [(name, wanted)]
    return done


def text_of(result: Any) -> str:
    return "".join(part["text"] for part in result["content"])


def is_interrupted(result: Any) -> bool:
    return "was interrupted" in text_of(result)


def notes_in_manifest(job: Job) -> list[Any]:
    newest = job.project.snapshots.first()
    assert newest is not None
    return sorted(
        (file["path"], file["sha256"]) for file in newest.manifest if file["path"].startswith("notes/")
    )


def check_effects(job: Job, data_dir: Path) -> None:
    """Each command ran once for its result, and at most once more for each result that says "interrupted"."""
    lines = Counter(effects_of(job, data_dir))
    finished: Counter[str] = Counter()
    interrupted: Counter[str] = Counter()
    for name, wanted, result in calls_of(job):
        if name == "bash" and EFFECTS in wanted["command"]:
            label = wanted["command"].split("echo ")[1].split()[0]
            (interrupted if is_interrupted(result) else finished)[label] += 1
    assert set(finished.values()) == {1}
    assert lines.keys() == finished.keys()
    for label, count in lines.items():
        assert 1 <= count <= 1 + interrupted[label], (label, count, interrupted[label])


def effects_of(job: Job, data_dir: Path) -> list[str]:
    newest = job.project.snapshots.first()
    assert newest is not None
    with tarfile.open(Path(data_dir) / "snapshots" / newest.key) as archive:
        return content_of(archive, EFFECTS).decode().split()


def check_events(job: Job) -> None:
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


def check_money(job: Job, rehearsal: Rehearsal) -> None:
    """The ledger equals the provider's bill, without the calls whose answer no worker lived to receive."""
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
