"""All of a founder's data as one zip, created while it is being sent.

It has `account.json`, and for each project a folder with its briefs, interviews, builds (log, transcript,
questions, messages, spend, documents, images) and snapshots. Of secrets it has only the names.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import structlog
from django.contrib.auth.models import AbstractUser
from django.core.files.storage import storages
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet

from agents.models import (
    AgentMessage,
    BudgetChange,
    DailyBudget,
    NotificationSettings,
    SpendEntry,
    Subscription,
)
from jobs.events import frame
from jobs.models import Job, JobEvent, Project

log = structlog.get_logger(__name__)

CHUNK = 64 * 1024
MAILS = ("mail_question", "mail_ready", "mail_failed", "mail_money")
MISSING = "This file could not be read from the storage when the export was made.\n"


class _ZipBuffer(io.RawIOBase):
    """Holds what the zip has written and has not been sent. It cannot seek, so the zip only appends."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def drain(self) -> bytes:
        sent, self._parts = b"".join(self._parts), []
        return sent


Entry = tuple[str, Iterable[bytes]]


def export(user: AbstractUser) -> Iterator[bytes]:
    """The zip, in chunks."""
    buffer = _ZipBuffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries(user):
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
                for piece in content:
                    file.write(piece)
                    yield buffer.drain()
    yield buffer.drain()


def _entries(user: AbstractUser) -> Iterator[Entry]:
    yield "account.json", [_json(_account(user))]
    for project in Project.objects.filter(owner=user.pk).order_by("created_at"):
        folder = f"projects/{_plain(project.name)}-{str(project.pk)[:8]}"
        yield f"{folder}/project.json", [_json(_project(project))]
        for job in project.jobs.order_by("build_number"):
            yield from _build(f"{folder}/{job.build_version}", job)
        for snapshot in project.snapshots.all():
            yield f"{folder}/snapshots/{snapshot.key.rsplit('/', 1)[-1]}", _stored("snapshots", snapshot.key)


def _build(folder: str, job: Job) -> Iterator[Entry]:
    transcript = AgentMessage.objects.filter(session=job.pk)
    facts = {
        "events": (frame(event) for event in job.events.iterator()),
        "transcript": _rows(transcript, "position", "role", "content", "stop_reason", "created_at"),
        "questions": job.escalations.values().iterator(),
        "messages": job.messages.values().iterator(),
        "spend": SpendEntry.objects.filter(session=job.pk).values().iterator(),
        "phases": job.phases.values().iterator(),
    }
    yield f"{folder}/build.json", [_json(Job.objects.filter(pk=job.pk).values().get())]
    for name, rows in facts.items():
        yield f"{folder}/{name}.jsonl", map(_json, rows)
    for document in job.documents.all():
        yield f"{folder}/documents/{document.section}.md", [document.content.encode()]
    for name in _images(job):
        yield f"{folder}/images/{name.rsplit('/', 1)[-1]}", _stored("default", name)


def _account(user: AbstractUser) -> dict[str, Any]:
    return {
        "email": user.email,
        "joined": user.date_joined,
        "subscription": Subscription.objects.filter(user=user.pk).values().first(),
        "mails": NotificationSettings.objects.filter(user=user.pk).values(*MAILS).first(),
        "days": list(DailyBudget.objects.filter(user=user.pk).values()),
        "budget_changes": list(BudgetChange.objects.filter(user=user.pk).values()),
    }


def _project(project: Project) -> dict[str, Any]:
    return {
        **Project.objects.filter(pk=project.pk).values().get(),
        "briefs": list(project.artifacts.values()),
        "promises": list(project.promises.values()),
        "interviews": list(project.interviews.values()),
        "secrets": list(project.secrets.values_list("name", flat=True)),
    }


def _rows(rows: QuerySet[Any], *fields: str) -> Iterator[dict[str, Any]]:
    return rows.values(*fields).iterator()


def _images(job: Job) -> list[str]:
    shown = JobEvent.objects.filter(job=job, payload__has_key="image")
    return list(dict.fromkeys(name for name in shown.values_list("payload__image", flat=True) if name))


def _stored(storage: str, name: str) -> Iterator[bytes]:
    """A stored file, in chunks; a sentence in its place when it cannot be read."""
    try:
        with storages[storage].open(name) as file:
            while data := file.read(CHUNK):
                yield data
    except Exception:
        # Storages raise many kinds of errors. One unreadable file must not stop the export of the others.
        log.exception("export.file_missing", storage=storage, name=name)
        yield MISSING.encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _plain(name: str) -> str:
    """A project's name as a folder name."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:60] or "project"
