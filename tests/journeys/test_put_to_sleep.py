"""An operator puts an agent to sleep in the middle of its work."""

from collections.abc import Iterator

import pytest

from agents.actions import control
from agents.actions.start import start_build
from agents.models import AgentMessage, AgentSession, SessionState, SpendEntry
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import brief, write_plays

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = write_plays(tmp_path_factory.mktemp("plays") / "plays")
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(plays))
    yield servers
    servers.stop()


def test_it_sleeps_after_its_step_until_the_next_day_and_can_be_woken(
    founder: User, admin: User, workers: Workers
) -> None:
    workers.start()
    job = start_build(create_project(owner=founder, **brief("Steps")))[0]
    wait_until(lambda: AgentSession.objects.get().iteration >= 3, "three turns")

    control.sleep(job, admin)

    wait_until(lambda: AgentSession.objects.get().state == SessionState.SLEEPING, "sleep")
    session = AgentSession.objects.get()
    assert session.wake_at == clock.next_midnight(clock.now())
    assert not session.pause_requested
    assert not session.sleep_requested
    last = AgentMessage.objects.last()
    assert last is not None
    assert last.role == "user"  # the step was finished
    assert not SpendEntry.objects.filter(status="reserved").exists()
    asleep = job.events.get(type=EventType.SLEEPING)
    assert "operator" in asleep.payload["reason"]

    control.wake(job, admin)

    wait_until(lambda: Job.objects.get().is_over, "the build to end")
    assert Job.objects.get().status == JobStatus.READY, workers.log.read_text()[-3000:]
