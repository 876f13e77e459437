"""Idea briefs and interviews: what a founder may send, and what the agent is given."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from jobs import clock, promises
from jobs.errors import CofounderError
from jobs.models import Artifact, Project, UnderstandingSession
from jobs.promises import MOST_PROMISES, Promised

NAME_LIMIT = 200
TEXT_LIMIT = 50_000  # characters of the goal, and of brief and interview taken together
QUESTION_LIMIT = 100
CONTROL_CHARACTERS = frozenset(map(chr, (*range(9), 11, 12, *range(14, 32), 127)))

Interview = list[dict[str, str]]


class BadBrief(CofounderError):
    """The brief cannot be used as it is."""

    code = "invalid"


def clean_text(value: Any, what: str, limit: int) -> str:
    """One text as the founder meant it; `BadBrief` says what is wrong with it."""
    if not isinstance(value, str):
        raise BadBrief(f"The {what} must be text.")
    if CONTROL_CHARACTERS.intersection(value):
        raise BadBrief(f"The {what} holds control characters. Please remove them.")
    if len(value) > limit:
        raise BadBrief(f"The {what} has {len(value):,} characters; at most {limit:,} are allowed.")
    return value.strip()


def clean_name(value: Any) -> str:
    name = clean_text(value, "name", NAME_LIMIT)
    if not name:
        raise BadBrief("The project needs a name.")
    return name


def clean_goal(value: Any) -> str:
    goal = clean_text(value, "goal", TEXT_LIMIT)
    if not goal:
        raise BadBrief("The project needs a goal: one sentence about what the first version is for.")
    return goal


def clean_brief(value: Any) -> dict[str, Any]:
    """An idea brief: a JSON object (unknown keys are kept) or a plain string, which becomes its summary."""
    if isinstance(value, str):
        value = {"summary": value}
    if not isinstance(value, dict) or not value:
        raise BadBrief("The idea brief must be an object with at least one field, or a text.")
    must_have = value.get("must_have", [])
    if not isinstance(must_have, list) or not all(
        isinstance(item, str) and item.strip() for item in must_have
    ):
        raise BadBrief("must_have must be a list of texts.")
    if len(must_have) > MOST_PROMISES:
        raise BadBrief(f"must_have has {len(must_have)} promises; at most {MOST_PROMISES} can be checked.")
    _measure(value, "idea brief")
    return value


def clean_interview(value: Any) -> Interview:
    """`[{question, answer}]`; unanswered questions are allowed and left out later."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > QUESTION_LIMIT:
        raise BadBrief(f"The interview must be a list of at most {QUESTION_LIMIT} questions and answers.")
    for item in value:
        if (
            not isinstance(item, dict)
            or not isinstance(item.get("question"), str)
            or not item["question"].strip()
        ):
            raise BadBrief("Each entry of the interview needs a question.")
        if not isinstance(item.get("answer", ""), str | None):
            raise BadBrief("Each answer of the interview must be text.")
    _measure(value, "interview")
    return [{"question": item["question"], "answer": item.get("answer") or ""} for item in value]


def _measure(value: Any, what: str) -> None:
    """Refuse control characters anywhere in a JSON value, and more text than anyone reads."""
    texts = list(_texts(value))
    for text in texts:
        clean_text(text, what, TEXT_LIMIT)
    if (total := sum(map(len, texts))) > TEXT_LIMIT:
        raise BadBrief(f"The {what} has {total:,} characters; at most {TEXT_LIMIT:,} are allowed.")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in _texts(part)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


@transaction.atomic
def create_project(
    *, owner: AbstractUser, name: str, goal: str, idea_brief: Any, interview: Any = None
) -> Project:
    """A project with its first brief and interview; `BadBrief` when one of them cannot be used."""
    brief, answered = clean_brief(idea_brief), clean_interview(interview)
    project = Project.objects.create(
        owner_id=owner.pk, name=clean_name(name), goal=clean_goal(goal), created_at=clock.now()
    )
    add_brief(project, brief)
    add_interview(project, answered)
    return project


@transaction.atomic
def add_brief(
    project: Project,
    content: dict[str, Any],
    *,
    how_checked: Mapping[str, str] | None = None,
    wanted: Sequence[Promised] | None = None,
) -> Artifact:
    """The next version of the project's idea brief, and its promises.

    They are those of `must_have`, where unchanged sentences keep their keys; `how_checked` says by text how
    they are checked. `wanted` gives them with their keys instead, and `must_have` follows.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    latest = latest_brief(project)
    if wanted is None:
        before = promises.of_version(project.pk, latest.version) if latest else []
        wanted = promises.keeping_keys(before, promises.texts_of(content), how_checked)
    else:
        content = {**content, "must_have": [promise.text for promise in wanted]}
    artifact = Artifact.objects.create(
        project=project,
        artifact_type=Artifact.Type.IDEA_BRIEF,
        current_content=content,
        version=latest.version + 1 if latest else 1,
        created_at=clock.now(),
    )
    promises.record(project, artifact.version, wanted)
    return artifact


def latest_brief(project: Project) -> Artifact | None:
    return project.artifacts.filter(artifact_type=Artifact.Type.IDEA_BRIEF).order_by("-version").first()


def add_interview(project: Project, interview: Interview) -> UnderstandingSession:
    ids = [f"q{number}" for number in range(1, len(interview) + 1)]
    return UnderstandingSession.objects.create(
        project=project,
        questions=[{"id": key, "text": item["question"]} for key, item in zip(ids, interview, strict=True)],
        answers={
            key: item["answer"] for key, item in zip(ids, interview, strict=True) if item["answer"].strip()
        },
        created_at=clock.now(),
    )


def latest_interview(project: Project) -> Interview:
    """The latest interview as `[{question, answer}]`, unanswered questions left out."""
    session = project.interviews.first()
    if session is None:
        return []
    return [
        {"question": question["text"], "answer": session.answers[question["id"]]}
        for question in session.questions
        if str(session.answers.get(question["id"], "")).strip()
    ]


def assumptions(project: Project) -> list[dict[str, str]]:
    """What the latest interview took for granted, as `[{id, text, state}]`."""
    session = project.interviews.first()
    return session.assumptions if session else []
