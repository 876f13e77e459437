"""`manage.py reap_sandboxes`: ends sandboxes that are no longer needed."""

import asyncio
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from agents.errors import SandboxError

if TYPE_CHECKING:
    from agents.worker.reaper import Reaped


class Command(BaseCommand):
    help = "End sandboxes that belong to no build or were not used for 30 days. Workers do this every hour."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would be ended")
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        from agents.worker import reaper  # loads the SDK of the sandbox

        dry_run = options["dry_run"]
        try:
            reaped = asyncio.run(reaper.reap(dry_run=dry_run))
        except SandboxError as error:
            raise CommandError(f"{error} Nothing more was ended.") from error
        if options["json"]:
            answer = {"dry_run": dry_run, "sandboxes": [asdict(each) for each in reaped]}
            self.stdout.write(json.dumps(answer))
        else:
            self.stdout.write("\n".join(map(_line, reaped)) if reaped else "There are no sandboxes to end.")
        if not dry_run and not all(each.done for each in reaped):
            raise CommandError("Some sandboxes could not be ended. Try again later; the log says why.")


def _line(reaped: "Reaped") -> str:
    state = "ended" if reaped.done else "not ended"
    return f"{reaped.sandbox_id} of build {reaped.job_id}: {reaped.why.label}: {state}."
