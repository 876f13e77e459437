"""A whole build for each fault of the sandboxes' provider: it is ready, or rests with the right sentence.

None fails, none asks its founder, and the ledger holds what the model's provider has billed.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from agents.actions.start import start_build
from agents.builds import build
from agents.errors import Trouble
from agents.failures.trouble import TABLE
from agents.models import SessionState
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from rehearsal.e2b_api.fault import KINDS
from tests.journeys.conftest import Rehearsal
from tests.journeys.small_plays import brief
from tests.journeys.test_fault_matrix import ASKS as ASKED_OF_MODELS
from tests.journeys.test_fault_matrix import PLAY, an_install, rehearsal_of, run, story  # noqa: F401  # a fixture
from tests.journeys.test_fault_matrix import RESTS as RESTS_OF_MODELS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("an_install"),
    pytest.mark.timeout(400),
]

Fault = dict[str, Any]
# Over after one try, whatever it is that fails.
PASSING = ("server_error", "bad_gateway", "busy", "gateway_timeout", "timed_out", "changing_state")


def once(kind: str, on: str, **more: Any) -> Fault:
    return {"kind": kind, "on": on, "retry": False, **more}


READY: dict[str, list[Fault]] = {
    **{
        f"each call fails once: {kind}": [once(kind, on) for on in ("create", "timeout", "process", "files")]
        for kind in PASSING
    },
    "too many at once, once": [once("rate_limited", "create"), once("rate_limited", "timeout")],
    "the key is refused inside": [once("unauthorized", "process"), once("unauthorized", "files")],
    "it was killed": [once("gone", "timeout")],
    "it is not found": [once("not_found", "timeout"), once("not_found", "process")],
    "it has lived as long as any may": [once("max_length", "timeout")],
    "a page of a hotel": [once("not_json", "create"), once("not_json", "process")],
    "half of an answer": [once("not_whole", "create")],
    "torn": [once("torn", on) for on in ("create", "timeout", "process", "files")],
    "torn in the output": [once("torn", "process", after=2)],
    "cut in the output": [once("cut", "process", after=2), once("cut", "create", after=0)],
    "slow": [once("slow", "create", seconds=1.0)],
}
RESTS: dict[str, tuple[Fault, Trouble]] = {
    "unauthorized": (once("unauthorized", "create"), Trouble.SANDBOX_KEY),
    "unauthorized in the middle": (once("unauthorized", "timeout"), Trouble.SANDBOX_KEY),
    "forbidden": (once("forbidden", "create"), Trouble.SANDBOX_PERMISSION),
    "bad_request": (once("bad_request", "create"), Trouble.SANDBOX_REQUEST),
    "not_found": (once("not_found", "create"), Trouble.SANDBOX_REQUEST),
    "no_confinement": (once("no_confinement", "create"), Trouble.SANDBOX_UNSAFE),
    "rate_limited": (once("rate_limited", "create", times=4), Trouble.SANDBOX_LIMIT),
    **{kind: (once(kind, "create", times=4), Trouble.SANDBOX_AWAY) for kind in PASSING},
    "torn": (once("torn", "create", times=4), Trouble.SANDBOX_AWAY),
    "not_json": (once("not_json", "create", times=4), Trouble.SANDBOX_AWAY),
    "commands cannot be started": (once("server_error", "process", times=4), Trouble.SANDBOX_FAULT),
}


# Its own steps say what fails.
FAULTY = {
    **PLAY,
    "name": "faulty",
    "project": "Faulty",
    "steps": [
        {**PLAY["steps"][0], "sandbox_fault": once("bad_gateway", "files")},
        {**PLAY["steps"][1], "sandbox_fault": once("torn", "process")},
        PLAY["steps"][2],
    ],
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    yield from rehearsal_of(tmp_path_factory, PLAY, FAULTY)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "SANDBOX_PAUSES", (0.0,) * len(build.SANDBOX_PAUSES))


@pytest.fixture
def job(founder: User) -> Job:
    return start_build(create_project(owner=founder, **brief("Notes")))[0]


def test_every_kind_of_fault_is_in_the_matrix() -> None:
    tried = {fault["kind"] for faults in READY.values() for fault in faults}
    assert tried | {fault["kind"] for fault, _ in RESTS.values()} == KINDS


@pytest.mark.parametrize("name", READY)
def test_what_passes_a_build_gets_over(name: str, job: Job, servers: Rehearsal) -> None:
    servers.fail_sandbox_with(*({**fault, "job": str(job.pk)} for fault in READY[name]))
    session = run(job, servers, [])
    assert (job.status, session.state) == (JobStatus.READY, SessionState.COMPLETED), story(job)
    assert not AgentEscalation.objects.exists()
    assert servers.sandbox_faults_left() == []


@pytest.mark.parametrize("name", RESTS)
def test_what_does_not_pass_it_sleeps_through_with_a_plain_sentence(
    name: str,
    job: Job,
    servers: Rehearsal,
) -> None:
    fault, trouble = RESTS[name]
    pausing = [once("server_error", "pause")] if fault["on"] == "timeout" else []
    servers.fail_sandbox_with(*({**each, "job": str(job.pk)} for each in (fault, *pausing)))
    session = run(job, servers, [])
    assert (session.state, session.trouble) == (SessionState.SLEEPING, trouble), story(job)
    told = job.events.get(type=EventType.SLEEPING).payload["reason"]
    assert told == TABLE[trouble].sentence
    assert session.trouble_detail
    assert session.trouble_detail not in "".join(story(job))
    assert "E2B" not in "".join(story(job))
    assert not AgentEscalation.objects.exists()
    assert servers.sandbox_faults_left() == []
    assert session.wake_at is not None
    clock.move(session.wake_at)
    session = run(job, servers, [], number=2)
    assert (job.status, session.state) == (JobStatus.READY, SessionState.COMPLETED), story(job)


def test_a_play_says_itself_what_fails(founder: User, servers: Rehearsal) -> None:
    servers.fail_sandbox_with()
    faulty = start_build(create_project(owner=founder, **brief("Faulty")))[0]
    session = run(faulty, servers, [])
    assert (faulty.status, session.state) == (JobStatus.READY, SessionState.COMPLETED), story(faulty)
    assert servers.sandbox_faults_left() == []


# What no single request to a provider brings about; `tests/agents/builds/test_troubles.py` has what follows.
ELSEWHERE = {
    Trouble.MODEL_AWAY,  # ten minutes of attempts
    Trouble.MODEL_RETIRED,  # a date in the settings
    Trouble.MODEL_NO_PRICE,  # likewise
    Trouble.MODEL_SILENT,  # many turns in a row
    Trouble.STORAGE_AWAY,  # the storage is not rehearsed
    Trouble.STORAGE_REFUSED,
    Trouble.FILES_LOST,
    Trouble.NO_MONEY,  # the subscription
    Trouble.DEFECT,  # ours
}


def test_every_other_trouble_of_the_table_can_be_rehearsed() -> None:
    rehearsed = {
        trouble for _, trouble in (*RESTS.values(), *RESTS_OF_MODELS.values(), *ASKED_OF_MODELS.values())
    }
    assert rehearsed | ELSEWHERE == set(TABLE)
    assert not rehearsed & ELSEWHERE
