"""What a founder may do with the brief: edit it, judge an assumption, ask for a change.

Each edit is a new version. A build under way takes it over and is told what changed, as of a message.
"""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents.actions import control
from jobs import brief_edits, briefs
from jobs.brief_edits import Brief, Edit
from jobs.errors import Conflict
from jobs.models import TERMINAL, Artifact, Job, Project

RIGHT, CHANGED = "right", "changed"


@transaction.atomic
def edit_brief(project: Project, *edits: Edit, by: AbstractUser | None, version: int | None = None) -> Brief:
    """Apply the edits one after the other; returns the brief as it is then.

    What changes nothing makes no version, so that an edit may be sent twice. With `version`, an edit of
    another version than the newest is a `Conflict`.
    """
    Project.objects.select_for_update().get(pk=project.pk)
    before = briefs.latest_brief(project)
    old = new = brief_edits.brief_of(before)
    for edit in edits:
        new = edit(new)
    if new == old:
        return old
    if version is not None and version != old.version:
        raise Conflict(f"The brief was changed in the meantime: it is at version {old.version} now.")
    return take_over(project, before, dict(new.content), new, by=by)


def take_over(
    project: Project, before: Artifact | None, content: dict[str, Any], new: Brief, by: AbstractUser | None
) -> Brief:
    """Record a new version and tell a build that is made from the one before; the project's row is held."""
    after = briefs.add_brief(project, briefs.clean_brief(content), wanted=new.promises)
    tell_build(project, before, after, by)
    return brief_edits.brief_of(after)


def tell_build(project: Project, before: Artifact | None, after: Artifact, by: AbstractUser | None) -> None:
    """A build under way that keeps to the version before keeps to the new one, and is told what changed."""
    job = project.jobs.exclude(status__in=TERMINAL).first()
    if job is None or before is None or job.idea_brief_id != before.pk:
        return
    old, new = brief_edits.brief_of(before), brief_edits.brief_of(after)
    Job.objects.filter(pk=job.pk).update(idea_brief=after)
    if words := brief_edits.difference_in_words(old, new):
        control.tell(job, words, by)


@transaction.atomic
def judge_assumption(project: Project, assumption_id: str, text: str | None, by: AbstractUser | None) -> None:
    """The founder says that an assumption is right (no text), or what is so instead; a build is told."""
    interview = project.interviews.select_for_update().first()
    found = [each for each in interview.assumptions if each["id"] == assumption_id] if interview else []
    if interview is None or not found:
        raise Conflict("This assumption is not there any more.")
    assumption = found[0]
    was = assumption["text"]
    if text is None:
        assumption["state"] = RIGHT
    else:
        words = briefs.clean_text(text, "assumption", brief_edits.PROMISE_LIMIT)
        if not words:
            raise briefs.BadBrief("Write what is so instead.")
        assumption.update(text=words, state=CHANGED)
    interview.save(update_fields=["assumptions"])
    job = project.jobs.exclude(status__in=TERMINAL).first()
    if job is not None and assumption["text"] != was:
        control.tell(job, f"You took for granted: {was}\nInstead: {assumption['text']}", by)


@transaction.atomic
def ask_for_change(project: Project, text: Any) -> str:
    """Keep what should be different, in the founder's words, until a build begins with it."""
    words = briefs.clean_text(text, "change", control.MESSAGE_LIMIT)
    Project.objects.filter(pk=project.pk).update(next_change=words)
    project.next_change = words
    return words
