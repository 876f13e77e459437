"""What the model and the founder are told when an agent goes on is what has happened."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agents.actions import control
from agents.actions.money import set_today
from agents.actions.start import go_back, start_build
from agents.models import AgentMessage, SessionState, Snapshot
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job
from tests.journeys.conftest import Rehearsal
from tests.journeys.small_plays import APP, brief
from tests.journeys.test_fault_matrix import PLAY, an_install, job, rehearsal_of, run, story  # noqa: F401  # fixtures

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("an_install"),
    pytest.mark.timeout(400),
]

MONEY = 2_000_000
# Its promise is kept only once its checks have failed, by a file that no snapshot keeps.
LATE: dict[str, Any] = {
    "name": "late",
    "project": "Late",
    "steps": [
        {
            "id": "app",
            "think": "I write it.",
            "call": [
                {
                    "write_file": {
                        "path": "cofounder.json",
                        "content": json.dumps(
                            {**APP, "checks": [{"promise": "notes are kept", "run": "test -f .cache/notes"}]}
                        ),
                    }
                }
            ],
        },
        {"id": "bye", "think": "Done.", "say": "Done.", "end": True},
    ],
    "notes": [
        {
            "kind": "checks_failed",
            "steps": [
                {
                    "id": "mend",
                    "think": "I see.",
                    "call": [{"bash": {"command": "mkdir -p .cache; touch .cache/notes"}}],
                },
                {"id": "mended", "think": "Done.", "say": "Mended.", "end": True},
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    yield from rehearsal_of(tmp_path_factory, PLAY, LATE)


def told(build: Job) -> str:
    """Every note that the model has got."""
    rows = AgentMessage.objects.filter(session=build.pk, role=AgentMessage.Role.USER)
    return json.dumps([row.content for row in rows])


def wakings(build: Job) -> list[Any]:
    return [event.payload["cause"] for event in build.events.filter(type=EventType.WAKING).order_by("seq")]


@pytest.fixture
def without_money(job: Job, founder: User, servers: Rehearsal) -> Job:  # noqa: F811
    """A build that sleeps because today has no money."""
    set_today(founder, 0, founder)
    assert run(job, servers, []).state == SessionState.SLEEPING
    return job


def test_woken_without_money_it_sleeps_as_planned_and_nobody_hears_of_more(
    without_money: Job,
    founder: User,
    servers: Rehearsal,
) -> None:
    control.wake(without_money, founder)
    session = run(without_money, servers, [], number=2)
    assert session.state == SessionState.SLEEPING, story(without_money)
    assert wakings(without_money) == ["asked"]
    assert not without_money.events.filter(type=EventType.BUDGET_EXCEEDED).exists()
    assert "more money" not in told(without_money) + "".join(story(without_money))


def test_money_of_the_same_day_is_no_new_day(
    without_money: Job,
    founder: User,
    servers: Rehearsal,
) -> None:
    set_today(founder, MONEY, founder)
    session = run(without_money, servers, [], number=2)
    assert session.state == SessionState.COMPLETED, story(without_money)
    assert wakings(without_money) == ["money"]
    assert "There is more money for today." in told(without_money)
    assert "new day" not in told(without_money)


def test_less_money_is_not_told_as_more(job: Job, founder: User, servers: Rehearsal) -> None:  # noqa: F811
    set_today(founder, 2, founder)
    run(job, servers, [])
    set_today(founder, 1, founder)
    control.wake(job, founder)
    run(job, servers, [], number=2)
    assert wakings(job) == ["asked"]


def test_a_midnight_is_a_new_day(without_money: Job, servers: Rehearsal) -> None:
    clock.move(clock.next_midnight(clock.now()))
    assert run(without_money, servers, [], number=2).state == SessionState.COMPLETED
    assert wakings(without_money) == ["new_day"]
    assert "A new day has begun" in told(without_money)


def test_trouble_that_is_over_is_told_as_such(job: Job, servers: Rehearsal) -> None:  # noqa: F811
    session = run(job, servers, [{"kind": "unauthorized"}])
    assert session.wake_at is not None
    clock.move(session.wake_at)
    assert run(job, servers, [], number=2).state == SessionState.COMPLETED
    assert wakings(job) == ["trouble"]


@pytest.fixture
def late(founder: User) -> Job:
    return start_build(create_project(owner=founder, **brief("Late")))[0]


def test_checks_that_fail_first_are_not_told_as_an_interruption(late: Job, servers: Rehearsal) -> None:
    assert run(late, servers, []).state == SessionState.COMPLETED, story(late)
    assert told(late).count("these checks failed") == 1
    assert "was interrupted" not in told(late)


def test_a_version_gone_back_to_whose_checks_fail_is_not_told_as_an_interruption(
    late: Job, servers: Rehearsal
) -> None:
    run(late, servers, [])
    again = go_back(Snapshot.objects.filter(job=late).latest("created_at"))
    run(again, servers, [])
    assert "these checks failed" in told(again), story(again)
    assert "was interrupted" not in told(again)
