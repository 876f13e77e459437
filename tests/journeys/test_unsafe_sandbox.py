"""A machine that cannot confine commands: nothing runs there, and no build is lost by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.actions import control
from agents.actions.start import start_build
from agents.models import AgentSession, SessionState, SpendEntry
from cofounder.models import User
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobStatus
from tests.journeys.conftest import Rehearsal, Workers, wait_until
from tests.journeys.small_plays import brief, write_plays
from tests.rehearsal.e2b_server import in_thread

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = write_plays(tmp_path_factory.mktemp("plays") / "plays")
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(plays))
    yield servers
    servers.stop()


def test_a_build_waits_in_plain_words_until_the_operator_has_mended_it(
    founder: User, rehearsal: Rehearsal, workers: Workers, tmp_path: Path
) -> None:
    with in_thread(tmp_path / "e2b", key="a key", ways=[]) as url:
        workers._env |= {"E2B_API_KEY": "a key", "E2B_API_URL": url, "E2B_SANDBOX_URL": url}
        workers.start()
        job = start_build(create_project(owner=founder, **brief("Steps")))[0]
        wait_until(lambda: AgentSession.objects.filter(state=SessionState.SLEEPING).exists(), "its sleep")
        workers.close()
    assert not Job.objects.get().is_over
    assert not SpendEntry.objects.exists()
    [told] = job.events.filter(type=EventType.SLEEPING)
    assert told.payload["reason"] == (
        "I do not build here as long as commands cannot be confined on this machine. "
        "The operator of this installation has been told. "
        "Nothing is lost, and I go on by myself once it works."
    )
    log = workers.log.read_text()
    assert "sandbox_unsafe" in log
    assert "Install bubblewrap (`apt-get install bubblewrap`)" in log

    workers._env |= rehearsal.env
    workers.start()
    control.wake(job, founder)
    wait_until(lambda: Job.objects.get().is_over, "the build to end")
    assert Job.objects.get().status == JobStatus.READY, log[-4000:]
