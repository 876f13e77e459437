"""Which build's app is opened, and that a worker is asked once."""

from procrastinate.contrib.django.models import ProcrastinateJob

from agents.actions import show_app
from agents.models import AgentSession, SessionState
from jobs.models import Job, JobStatus


def test_the_app_of_a_build_under_way_is_not_a_finished_one(build: Job) -> None:
    assert show_app.finished_build(build.project) is None
    assert show_app.running_build(build.project) is None

    Job.objects.filter(pk=build.pk).update(preview_url="http://localhost:1/")

    assert show_app.running_build(build.project) == build


def test_the_newest_build_that_became_ready_is_shown(build: Job) -> None:
    Job.objects.filter(pk=build.pk).update(status=JobStatus.READY)
    AgentSession.objects.filter(pk=build.pk).update(state=SessionState.COMPLETED)

    assert show_app.finished_build(build.project) == build


def test_a_worker_is_asked_once_however_often_the_app_is_opened(build: Job) -> None:
    show_app.show_soon(build.pk)
    show_app.show_soon(build.pk)

    assert ProcrastinateJob.objects.filter(task_name=show_app.SHOW, status="todo").count() == 1
