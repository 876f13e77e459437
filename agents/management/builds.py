"""Shared by the commands about builds: the JOB argument, refusals, and output as text or JSON."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from agents.models import AgentSession
from jobs.errors import CofounderError
from jobs.models import Job


def add_arguments(parser: ArgumentParser, *, needs_job: bool = True) -> None:
    parser.add_argument(
        "job", type=UUID, metavar="JOB", nargs=None if needs_job else "?", help="a build's id"
    )
    parser.add_argument("--json", action="store_true", help="answer with JSON instead of a sentence")


def find(job_id: UUID) -> Job:
    job = Job.objects.select_related("project").filter(pk=job_id).first()
    if job is None:
        raise CommandError(f"There is no build {job_id}. `manage.py agent_status` lists those under way.")
    return job


@contextmanager
def refusals() -> Iterator[None]:
    """Turn a refusal of our own code into a `CommandError`: its sentence, and exit code 1."""
    try:
        yield
    except CofounderError as error:
        raise CommandError(str(error)) from error


def answer(command: BaseCommand, facts: Any, sentence: str, *, as_json: bool) -> None:
    command.stdout.write(json.dumps(facts, cls=DjangoJSONEncoder) if as_json else sentence)


def state_of(job: Job) -> dict[str, Any]:
    """The build's id, project and current agent state, for JSON output."""
    session = AgentSession.objects.get(pk=job.pk)
    return {"job_id": job.pk, "project": job.project.name, "state": session.state}
