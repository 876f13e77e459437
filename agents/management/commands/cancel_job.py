"""`manage.py cancel_job JOB`: stops a build for good."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agents.actions import control
from agents.management import builds


class Command(BaseCommand):
    help = "Stop a build for good, at once. Its files are saved and its sandbox is ended."

    def add_arguments(self, parser: ArgumentParser) -> None:
        builds.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        job = builds.find(options["job"])
        with builds.refusals():
            control.cancel(job, by=None)
        sentence = f"The build of {job.project.name} is stopped."
        builds.answer(self, builds.state_of(job), sentence, as_json=options["json"])
