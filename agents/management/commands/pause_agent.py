"""`manage.py pause_agent (JOB | --all)`: pauses one agent, or all agents of this install."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.actions import control
from agents.management import builds
from agents.models import ENDED, AgentSession, SessionState
from jobs.errors import Conflict
from jobs.models import Job


class Command(BaseCommand):
    help = "Pause an agent: after its current step if it is working, otherwise at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        builds.add_arguments(parser, needs_job=False)
        parser.add_argument("--all", action="store_true", help="pause every agent of this install")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["job"]) == options["all"]:
            raise CommandError("Name one build, or say --all.")
        if options["all"]:
            paused = [builds.state_of(job) for job in _running() if _pause(job)]
            sentence = f"{len(paused)} paused. Agents at work stop after their current step."
            builds.answer(self, paused, sentence, as_json=options["json"])
            return
        job = builds.find(options["job"])
        with builds.refusals():
            control.pause(job, by=None)
        facts = builds.state_of(job)
        when = "is paused" if facts["state"] == SessionState.PAUSED else "pauses after its current step"
        builds.answer(self, facts, f"The agent of {job.project.name} {when}.", as_json=options["json"])


def _running() -> list[Job]:
    still = AgentSession.objects.exclude(state__in=[*ENDED, SessionState.PAUSED])
    return list(Job.objects.filter(session__in=still).select_related("project").order_by("created_at"))


def _pause(job: Job) -> bool:
    """Whether there was something to pause: a build may have ended since it was listed."""
    try:
        control.pause(job, by=None)
    except Conflict:
        return False
    return True
