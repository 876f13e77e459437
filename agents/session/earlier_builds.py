"""What a build gets from earlier builds of its project: the founder's words, documents, and the change."""

from collections.abc import Iterable
from typing import Any

from agents.models import BuildDocument, Snapshot
from agents.session import inbox
from jobs import brief_edits, events
from jobs.models import EventType, FounderMessage, Job, JobStatus

MOST_CHARACTERS = 50_000  # of the founder's words; the oldest builds are left out if there are more


def change_of(job: Job) -> str:
    """The change the founder wants to a finished product; "" when this build is not for a change."""
    ready = Job.objects.filter(
        project=job.project_id, status=JobStatus.READY, build_number__lt=job.build_number
    )
    return job.goal if job.goal and ready.exists() else ""


def told_of_change(job: Job) -> str:
    """The change, and what the brief promises differently since the last finished build; "" without one."""
    ready = Job.objects.filter(
        project=job.project_id, status=JobStatus.READY, build_number__lt=job.build_number
    )
    last = ready.select_related("idea_brief").order_by("-build_number").first()
    if last is None:
        return ""
    old, new = brief_edits.brief_of(last.idea_brief), brief_edits.brief_of(job.idea_brief)
    return "\n\n".join(filter(None, (job.goal, brief_edits.difference_in_words(old, new))))


def has_files(job: Job) -> bool:
    """Whether the build begins with files saved by an earlier one."""
    return Snapshot.objects.filter(project=job.project_id).exists()


def tell_change(job: Job) -> None:
    """Record the requested change in the event log, and as a message to the agent before its first turn."""
    if words := told_of_change(job):
        FounderMessage.objects.create(job=job, text=words, created_at=job.created_at)
        events.record(job.pk, EventType.AGENT_MESSAGE, text=words, author="founder")


def left_by_earlier_builds(job: Job) -> dict[str, Any]:
    """For each build what the founder asked for, answered and wrote, verbatim; and the newest documents.

    `{"builds": […], "documents": {section: text}}`; empty for a first build.
    """
    builds = Job.objects.filter(project=job.project_id, build_number__lt=job.build_number)
    told = [_words_of(build) for build in builds.order_by("-build_number")]
    if not told:
        return {}
    kept = list(_newest(told))
    left: dict[str, Any] = {"builds": kept[::-1], "documents": _documents(builds)}
    if len(kept) < len(told):
        left["older_builds_left_out"] = len(told) - len(kept)
    return left


def _words_of(build: Job) -> dict[str, Any]:
    return {
        "build": build.build_version,
        "ended": build.status,
        "asked_for": build.goal,
        **inbox.said_in(build.pk),
    }


def _newest(told: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """As many builds as fit, newest first; always at least one."""
    room = MOST_CHARACTERS
    for number, build in enumerate(told):
        room -= len(str(build))
        if room < 0 and number:
            return
        yield build


def _documents(builds: Iterable[Job]) -> dict[str, str]:
    """The documents by section, each from the newest build that wrote it."""
    rows = BuildDocument.objects.filter(job__in=builds).order_by("job__build_number", "pk")
    return dict(rows.values_list("section", "content"))
