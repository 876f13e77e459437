"""`manage.py reap_sandboxes`: ends sandboxes that nobody will use again."""

import asyncio
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents import reaping
from agents.errors import SandboxError
from agents.reaping import Reaped, Why

WORDS = {
    Why.ORPHAN: "no build knows it",
    Why.UNUSED: "nobody used it for 30 days; its files are saved first",
    Why.OVER: "its build is over; its files are saved first",
}


class Command(BaseCommand):
    help = "End sandboxes that no build knows, or that nobody used for 30 days. Workers do this every hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be ended")
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        try:
            reaped = asyncio.run(reaping.reap(dry_run=dry_run))
        except SandboxError as error:
            raise CommandError(f"{error} Nothing more was ended.") from error
        if options["json"]:
            answer = {"dry_run": dry_run, "sandboxes": [asdict(each) for each in reaped]}
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write("\n".join(map(_line, reaped)) if reaped else "There is none to end.")
        if not dry_run and not all(each.done for each in reaped):
            raise CommandError("Not all could be ended. Try again later; the log says why.")


def _line(reaped: Reaped) -> str:
    state = "ended" if reaped.done else "not ended"
    return f"{reaped.sandbox_id} of build {reaped.job_id}: {WORDS[reaped.why]}: {state}."
