"""`manage.py wake_agent JOB`: lets a sleeping agent go on now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agents.actions import control
from agents.management import builds


class Command(BaseCommand):
    help = "Let a sleeping agent go on now. If the day's money is used up, it goes back to sleep."

    def add_arguments(self, parser: ArgumentParser) -> None:
        builds.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        job = builds.find(options["job"])
        with builds.refusals():
            control.wake(job, by=None)
        sentence = f"The agent of {job.project.name} is being woken."
        builds.answer(self, builds.state_of(job), sentence, as_json=options["json"])
