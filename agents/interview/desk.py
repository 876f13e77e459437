"""The rows of an interview, and everything that changes them. Each function is one transaction.

Lock order: the founder's day (where money is reserved or settled), then the interview's progress.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import transaction
from django.db.models import F, Q
from procrastinate.contrib.django import app

from agents.budget import subscriptions
from agents.interview import rules, values
from agents.interview.topics import Topic
from agents.interview.values import Asked, How, QuestionState, Step, Talk
from agents.models import InterviewProgress, InterviewState, InterviewTrouble, Subscription
from jobs import briefs, clock, doorbell
from jobs.errors import Conflict, Unavailable
from jobs.models import Project, UnderstandingSession
from jobs.queue import INTERVIEWS

ASK = "agents.interview"  # the task's name
NAME_LIMIT = 60
ANSWER_LIMIT = 5_000  # characters
SAME_TEXT = timedelta(minutes=1)  # the same sentence again within it is the same interview
OVER = "This interview is over. Change the brief on its own page, or write to the build if it has begun."


class Elsewhere(Conflict):
    """This question was answered in another window. Here is what you said there."""


# Begin


@transaction.atomic
def begin(user: AbstractUser, text: Any) -> InterviewProgress:
    """A new project with an interview, whose first question is being thought of.

    Raises `Unavailable` and `PaymentNeeded` where no question can be asked, and keeps nothing then.
    """
    said = briefs.clean_text(text, "idea", briefs.TEXT_LIMIT)
    if not said:
        raise briefs.BadBrief("Say in a sentence what it should do, and for whom.", field="text")
    _need_agents()
    subscriptions.require_subscription(user.pk)
    Subscription.objects.select_for_update().get(pk=user.pk)  # the same sentence twice at once
    if known := _same(user, said):
        return known
    now = clock.now()
    project = Project.objects.create(owner_id=user.pk, name=_name_of(said), goal=said, created_at=now)
    interview = UnderstandingSession.objects.create(project=project, state="open", created_at=now)
    progress = InterviewProgress.objects.create(
        interview=interview, user_id=user.pk, text=said, created_at=now
    )
    _enqueue(progress)
    return progress


def _same(user: AbstractUser, text: str) -> InterviewProgress | None:
    since = clock.now() - SAME_TEXT * clock.speed()
    found = InterviewProgress.objects.filter(user=user.pk, text=text, created_at__gt=since)
    return found.exclude(state=InterviewState.APPROVED).filter(interview__answers={}).first()


def _need_agents() -> None:
    if not settings.AUTONOMOUS_AGENT:
        raise Unavailable(
            "Questions are switched off on this installation for now. You can write it yourself."
        )


def _name_of(text: str) -> str:
    """A working title until there is a better one: the beginning of the sentence."""
    line = " ".join(text.split())
    if len(line) <= NAME_LIMIT:
        return line
    cut = line[: NAME_LIMIT - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[NAME_LIMIT // 2 :] else cut) + "…"


# What the founder does


@transaction.atomic
def answer(
    interview_id: UUID, question_id: str, how: How, text: str = "", *, is_change: bool = False
) -> InterviewProgress:
    """Answer the open question, or change an earlier answer. The same answer twice is one answer.

    Raises `Elsewhere` when the question has another answer already, `Conflict` when the interview is over.
    """
    progress, talk = _locked(interview_id)
    asked = _find(talk, question_id)
    said = _said(asked, how, text)
    if progress.state == InterviewState.APPROVED:
        raise Conflict(OVER)
    if asked.state == QuestionState.WITHDRAWN:
        raise Conflict("This question is no longer asked, because an earlier answer was changed.")
    if asked.is_settled and (asked.how, asked.answer) == (how, said):
        return progress
    if asked.is_settled and not is_change:
        raise Elsewhere
    _save(progress, rules.answered(talk, question_id, how, said))
    progress.typed.pop(question_id, None)
    return _think(progress)


def _said(asked: Asked, how: How, text: str) -> str:
    """The answer's words: a choice must be one of the question's, and an own one must say something."""
    if how == How.OPTION and text not in [option.value for option in asked.question.options]:
        raise briefs.BadBrief("Choose one of the answers, or write your own.", field="answer")
    if how == How.OWN:
        text = briefs.clean_text(text, "answer", ANSWER_LIMIT)
        if not text:
            raise briefs.BadBrief("Write an answer, or choose “You decide” or “Skip”.", field="answer")
    if how == How.DECIDE:
        return asked.question.options[0].label if asked.question.options else ""
    return text if how != How.SKIP else ""


@transaction.atomic
def enough(interview_id: UUID, text: str = "") -> InterviewProgress:
    """End the interview here; what was typed at the open question counts as its answer."""
    progress, talk = _locked(interview_id)
    if progress.state in (InterviewState.APPROVED, InterviewState.DONE):
        return progress
    if talk.draft.is_empty:
        raise Conflict("There is no brief yet. Wait for the first question, or write it yourself.")
    if talk.open:
        said = briefs.clean_text(text, "answer", ANSWER_LIMIT)
        talk = rules.answered(talk, talk.open.id, How.OWN if said else How.SKIP, said)
        _save(progress, talk)
    return _move(progress, InterviewState.DONE)


@transaction.atomic
def retry(interview_id: UUID) -> InterviewProgress:
    """Ask the model again after trouble."""
    progress, _ = _locked(interview_id)
    return _think(progress) if progress.state == InterviewState.TROUBLE else progress


@transaction.atomic
def keep_typed(interview_id: UUID, question_id: str, text: str) -> None:
    """Keep what is being typed; no page changes by it."""
    progress, talk = _locked(interview_id)
    asked = talk.find(question_id)
    if asked is None or asked.state != QuestionState.OPEN:
        return
    progress.typed = {question_id: briefs.clean_text(text, "answer", ANSWER_LIMIT)} if text.strip() else {}
    progress.save(update_fields=["typed"])


@transaction.atomic
def approve(interview_id: UUID) -> Project:
    """Make the brief and its promises; an open question counts as skipped. Twice gives the same project."""
    progress, talk = _locked(interview_id)
    project = Project.objects.select_for_update().get(pk=progress.interview.project_id)
    if progress.state == InterviewState.APPROVED:
        return project
    if talk.draft.is_empty:
        raise Conflict("There is no brief yet. Wait for the first question, or write it yourself.")
    draft = rules.with_decided(talk.draft, talk)
    project.name, project.goal = briefs.clean_name(draft.name), briefs.clean_goal(draft.goal)
    project.save(update_fields=["name", "goal"])
    how = {promise.text: promise.how_checked for promise in draft.promises}
    briefs.add_brief(project, brief_of(draft, talk.language), how_checked=how)
    interview = progress.interview
    interview.assumptions = [
        {"id": f"a{number}", "text": assumption.text, "state": "assumed"}
        for number, assumption in enumerate(draft.assumptions, start=1)
    ]
    _close(progress)
    return project


@transaction.atomic
def close_written(interview_id: UUID, *, name: str, goal: str, idea_brief: Any, interview: Any) -> Project:
    """Make the brief from the written form instead. Twice gives the same project."""
    progress, _ = _locked(interview_id)
    project = Project.objects.select_for_update().get(pk=progress.interview.project_id)
    if progress.state == InterviewState.APPROVED:
        return project
    project.name, project.goal = briefs.clean_name(name), briefs.clean_goal(goal)
    project.save(update_fields=["name", "goal"])
    briefs.add_brief(project, briefs.clean_brief(idea_brief))
    briefs.add_interview(project, briefs.clean_interview(interview))
    _close(progress)
    return project


def _close(progress: InterviewProgress) -> None:
    progress.interview.state = "done"
    progress.interview.save(update_fields=["state", "assumptions"])
    _move(progress, InterviewState.APPROVED)


def brief_of(draft: values.Draft, language: str) -> dict[str, Any]:
    """The idea brief, without what is empty."""
    brief = {
        "problem": draft.problem,
        "target_user": draft.target_user,
        "solution": draft.solution,
        "must_have": [promise.text for promise in draft.promises],
        "out_of_scope": list(draft.out_of_scope),
        "success": draft.success,
        "needs": list(draft.needs),
        "language": language,
    }
    return {name: value for name, value in brief.items() if value}


# What the worker does


@dataclass(frozen=True)
class Call:
    """A call of the model that is paid for: what it is about, and the money set aside."""

    interview_id: UUID
    user_id: UUID
    version: int
    talk: Talk
    model: str


def talk_for(interview_id: UUID, version: int) -> Call | None:
    """What the call of this version is about; None when nobody waits for it any more."""
    progress = InterviewProgress.objects.select_related("interview").filter(pk=interview_id).first()
    if progress is None or not _is_wanted(progress, version):
        return None
    subscription = subscriptions.require_subscription(progress.user_id)
    model = settings.INTERVIEW_MODEL or subscription.model or settings.DEFAULT_MODEL
    return Call(interview_id, progress.user_id, version, talk_of(progress), model)


def _is_wanted(progress: InterviewProgress, version: int) -> bool:
    return progress.state == InterviewState.THINKING and progress.version == version


@transaction.atomic
def step_taken(call: Call, step: Step | None, question: values.Question | None) -> bool:
    """The brief with the last answer in it, and the next question or the end; False when it came too late.

    Without a step the brief stays as it is: the model's answer could not be used.
    """
    progress, talk = _locked(call.interview_id)
    if not _is_wanted(progress, call.version):
        return False
    if step is not None:
        progress.changed = rules.changed_lines(talk.draft, step.draft)
        progress.draft = values.draft_as_json(step.draft)
        progress.uncertainty = {topic.value: level for topic, level in step.uncertainty.items()}
        progress.sensitive = sorted({*progress.sensitive, *step.sensitive})
        talk = replace(talk, draft=step.draft, language=step.language)
    if talk.open is None and question is not None:
        talk = replace(talk, asked=(*talk.asked, Asked(f"q{len(talk.asked) + 1}", question)))
    _save(progress, talk)
    _move(progress, InterviewState.ASKING if talk.open else InterviewState.DONE)
    return True


@transaction.atomic
def interrupted(call_id: UUID, version: int, trouble: InterviewTrouble) -> None:
    """No question came: the page says why, and offers to try again or to write."""
    progress = InterviewProgress.objects.select_for_update().filter(pk=call_id).first()
    if progress is not None and _is_wanted(progress, version):
        progress.trouble = trouble
        _move(progress, InterviewState.TROUBLE)


@transaction.atomic
def used_up(call: Call) -> None:
    """The interview's own money is used up: it ends with the brief that there is."""
    progress, talk = _locked(call.interview_id)
    if _is_wanted(progress, call.version):
        progress.trouble = InterviewTrouble.NO_MONEY if talk.draft.is_empty else ""
        _move(progress, InterviewState.TROUBLE if talk.draft.is_empty else InterviewState.DONE)


def call_begins(interview_id: UUID, entry_id: UUID) -> UUID | None:
    """Note the reservation of the call under way; returns one that was noted before, whose worker is gone."""
    progress = InterviewProgress.objects.select_for_update().filter(pk=interview_id).first()
    if progress is None:
        return None
    earlier, progress.entry_id = progress.entry_id, entry_id
    progress.save(update_fields=["entry_id"])
    return earlier


def call_ended(interview_id: UUID, cost: int) -> None:
    InterviewProgress.objects.filter(pk=interview_id).update(
        entry_id=None, cost_microdollars=F("cost_microdollars") + cost
    )


# Rows


def talk_of(progress: InterviewProgress) -> Talk:
    interview = progress.interview
    asked = tuple(
        values.asked_of(
            question["id"],
            question["text"],
            interview.details[question["id"]],
            interview.answers.get(question["id"], ""),
        )
        for question in interview.questions
    )
    draft = values.draft_of(progress.draft)
    return Talk(progress.text, asked, draft, tuple(progress.sensitive), interview.language)


def uncertainty_of(stored: Mapping[str, int]) -> dict[Topic, int]:
    return {Topic(topic): level for topic, level in stored.items()}


def unfinished(user_id: UUID) -> Any:
    """The founder's interviews that have not become a brief yet, newest first."""
    found = InterviewProgress.objects.filter(~Q(state=InterviewState.APPROVED), user=user_id)
    return found.select_related("interview__project")


def _locked(interview_id: UUID) -> tuple[InterviewProgress, Talk]:
    found = InterviewProgress.objects.select_for_update(of=("self",)).select_related("interview")
    progress = found.get(pk=interview_id)
    return progress, talk_of(progress)


def _find(talk: Talk, question_id: str) -> Asked:
    asked = talk.find(question_id)
    if asked is None:
        raise briefs.BadBrief("There is no such question in this interview.", field="question_id")
    return asked


def _save(progress: InterviewProgress, talk: Talk) -> None:
    interview = progress.interview
    interview.questions = [{"id": asked.id, "text": asked.question.text} for asked in talk.asked]
    interview.answers = {asked.id: asked.answer for asked in talk.asked if asked.answer}
    interview.details = {asked.id: values.detail_of(asked) for asked in talk.asked}
    interview.language = talk.language
    interview.save(update_fields=["questions", "answers", "details", "language"])


def _think(progress: InterviewProgress) -> InterviewProgress:
    """Have the model asked for the next question; where that is switched off, say so at once."""
    if not settings.AUTONOMOUS_AGENT:
        progress.trouble = InterviewTrouble.SWITCHED_OFF
        return _move(progress, InterviewState.TROUBLE)
    progress.trouble = ""
    _move(progress, InterviewState.THINKING)
    _enqueue(progress)
    return progress


def _move(progress: InterviewProgress, state: InterviewState) -> InterviewProgress:
    progress.state = state
    progress.version += 1
    progress.save()
    transaction.on_commit(lambda: doorbell.tell_interview(progress.pk, progress.version))
    return progress


def _enqueue(progress: InterviewProgress) -> None:
    app.configure_task(ASK, queue=INTERVIEWS).defer(interview_id=str(progress.pk), version=progress.version)
