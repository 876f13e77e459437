"""Whether a build may go on without its files hangs on the kind of the question, never on its words."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pytest_django import Settings

from agents.actions.brief import edit_brief
from agents.builds import transactions
from agents.checkpoint import apply_effects
from agents.models import AgentSession, SessionState, Snapshot
from agents.session.claim import claim
from agents.tool_effects import Asked
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs import clock, promises
from jobs.brief_edits import added, moved
from jobs.models import Job, JobStatus
from jobs.promises import Promised

OF_OLDER_VERSIONS = Asked(
    "The files of your product are not whole: the sandbox has lost some, and no saved copy can be read. "
    "I have stopped, so as not to build on what is left by accident.",
    "Try again: the storage that holds the copies may work again.",
    transactions.FILES_LOST.options,
)


def answer(build: Job, founder: User, question: Asked, decision: str) -> None:
    apply_effects.apply(AgentSession.objects.get(pk=build.pk), [question])
    resolve(AgentEscalation.objects.get().pk, decision=decision, by=founder)


@pytest.mark.parametrize(
    "question",
    [transactions.FILES_LOST, replace(transactions.FILES_LOST, problem="In other words."), OF_OLDER_VERSIONS],
)
def test_who_agreed_lets_the_build_go_on_until_something_is_saved(
    build: Job, founder: User, question: Asked
) -> None:
    assert not transactions.may_go_on_without_files(build)
    answer(build, founder, question, "go_on")
    assert transactions.may_go_on_without_files(build)
    Snapshot.objects.create(
        project=build.project,
        key="new",
        size=1,
        sha256="0",
        manifest=[],
        reason=Snapshot.Reason.CHECKPOINT,
        created_at=clock.now() + timedelta(seconds=1),
    )
    assert not transactions.may_go_on_without_files(build)


def test_a_pause_that_never_came_ends_with_the_build(build: Job) -> None:
    """It was asked for during the checks, and they passed."""
    taken = claim(build.pk, 1)
    assert taken is not None
    Job.objects.filter(pk=build.pk).update(status=JobStatus.CHECKS)
    AgentSession.objects.filter(pk=build.pk).update(pause_requested=True)
    transactions.finish(taken, Job.objects.get(pk=build.pk), promises.of_job(build))
    session = AgentSession.objects.get(pk=build.pk)
    assert (session.state, session.pause_requested) == (SessionState.COMPLETED, False)


def test_a_build_whose_promises_changed_during_the_checks_goes_back_to_the_agent(build: Job) -> None:
    taken = claim(build.pk, 1)
    assert taken is not None
    checked = promises.of_job(build)
    Job.objects.filter(pk=build.pk).update(status=JobStatus.CHECKS)
    edit_brief(build.project, added("promise", "a map"), by=None)

    rows = transactions.finish(taken, Job.objects.get(pk=build.pk), checked)

    assert rows is not None
    assert "New promise P3: a map" in rows[0].content[0]["text"]
    assert Job.objects.get(pk=build.pk).status == JobStatus.CODE
    assert transactions.promises_to_check(build)[-1] == Promised("a map", key="P3")


def test_a_promise_that_only_moved_during_the_checks_keeps_no_build_from_being_ready(build: Job) -> None:
    taken = claim(build.pk, 1)
    assert taken is not None
    checked = promises.of_job(build)
    Job.objects.filter(pk=build.pk).update(status=JobStatus.CHECKS)
    edit_brief(build.project, moved("promise", "P2", -1), by=None)

    assert transactions.finish(taken, Job.objects.get(pk=build.pk), checked) is None
    assert Job.objects.get(pk=build.pk).status == JobStatus.READY


@pytest.mark.parametrize(
    ("count", "sentence"),
    [
        (0, "It is ready."),
        (1, "It is ready. A rehearsal script built it, and 1 promise was not judged."),
        (3, "It is ready. A rehearsal script built it, and 3 promises were not judged."),
    ],
)
def test_a_finished_build_says_how_many_promises_nobody_judged(count: int, sentence: str) -> None:
    assert transactions.ready_sentence(count) == sentence


@pytest.mark.parametrize("in_rehearsal", [False, True])
def test_only_a_rehearsal_counts_the_change_among_the_promises(
    build: Job, settings: Settings, in_rehearsal: bool
) -> None:
    settings.REHEARSED_MODEL = in_rehearsal
    promised = promises.of_job(build)
    assert transactions.promises_to_check(build) == promised
    Job.objects.filter(pk=build.pk).update(status="ready")
    change = Job.objects.create(
        project=build.project,
        goal="Paint it red",
        build_number=2,
        idea_brief=build.idea_brief,
        created_at=clock.now(),
    )
    asked = [Promised("Paint it red")] if in_rehearsal else []
    assert transactions.promises_to_check(change) == [*promised, *asked]


@pytest.mark.parametrize(
    ("question", "decision"),
    [
        (transactions.FILES_LOST, "try_again"),
        (Asked("Red or blue?", "Red.", transactions.FILES_LOST.options), "go_on"),
    ],
)
def test_another_answer_or_question_does_not(
    build: Job, founder: User, question: Asked, decision: str
) -> None:
    answer(build, founder, question, decision)
    assert not transactions.may_go_on_without_files(build)
