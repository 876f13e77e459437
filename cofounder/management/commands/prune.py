"""`manage.py prune`: deletes what nobody needs any more."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cofounder.operations import retention


class Command(BaseCommand):
    help = (
        "Show what the retention rules would remove; with --delete, remove it. Ledger, event logs, documents "
        "and finished builds' files are never touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--delete", action="store_true", help="remove what is found; try without it first"
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        delete = options["delete"]
        found = {rule.name: (rule, rule.remove() if delete else rule.count()) for rule in retention.rules()}
        if options["json"]:
            counts = {name: count for name, (_, count) in found.items()}
            self.stdout.write(json.dumps({"deleted": delete, **counts}))
            return
        for name, (rule, count) in found.items():
            self.stdout.write(f"{name:<13} {count:>9,} {rule.what}")
        if not delete:
            self.stdout.write("Nothing was removed. Add --delete to remove it.")
