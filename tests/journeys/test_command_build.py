"""`manage.py build` on a running install."""

import subprocess
import sys

import pytest
from django.conf import settings
from procrastinate.contrib.django.models import ProcrastinateWorker

from agents.actions.start import start_build
from agents.models import AgentSession, SessionState
from jobs.models import Job, Project
from tests.conftest import empty_the_queue
from tests.journeys.conftest import Workers, wait_until

pytestmark = pytest.mark.services


def run(workers: Workers, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", "build", *arguments]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=workers._env, capture_output=True, text=True, check=False
    )


@pytest.fixture
def install(workers: Workers) -> Workers:
    workers.start()
    wait_until(ProcrastinateWorker.objects.exists, "the worker has said that it lives")
    return workers


def test_a_brief_is_built_and_ends_with_0(tiers: None, install: Workers) -> None:
    done = run(install, "--brief", "rehearsal/briefs/borrow-shelf.json", "--owner", "marta@example.com")

    assert done.returncode == 0, done.stderr
    job = Job.objects.get(project__owner__email="marta@example.com")
    assert f"Borrow Shelf: build_v0_1 ({job.pk})" in done.stdout


def test_a_second_build_while_one_runs_is_refused(project: Project, workers: Workers) -> None:
    job, _ = start_build(project)
    AgentSession.objects.filter(pk=job.pk).update(state=SessionState.PAUSED)
    empty_the_queue()
    workers.start()
    wait_until(ProcrastinateWorker.objects.exists, "the worker has said that it lives")

    done = run(workers, "--project", str(project.pk), "--wait")

    assert done.returncode == 1
    assert "already under way" in done.stderr
    assert Job.objects.count() == 1


def test_a_project_that_does_not_exist_is_refused(install: Workers) -> None:
    done = run(install, "--project", "6b1f8c1e-0d5c-4a0e-9a39-1d2b3c4d5e6f")

    assert done.returncode == 1
    assert done.stderr == "CommandError: There is no project 6b1f8c1e-0d5c-4a0e-9a39-1d2b3c4d5e6f.\n"
