"""`manage.py reconcile_spend`: compares the days with the ledger and corrects them."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from agents.budget import reconciliation
from agents.budget.amounts import dollars


class Command(BaseCommand):
    help = "Release the reservations of dead runs, and correct the days' sums to match the ledger."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        orphans = reconciliation.release_orphans(dry_run=dry_run)
        differences = reconciliation.repair_days(dry_run=dry_run)
        if options["json"]:
            answer = {"dry_run": dry_run, "released": orphans, "repaired": differences}
            self.stdout.write(json.dumps(answer, default=_plain))
            return
        would = "would be " if dry_run else ""
        for orphan in orphans:
            self.stdout.write(
                f"{dollars(orphan.amount)} reserved on {orphan.day} by build {orphan.session_id}: "
                f"{would}released."
            )
        for found in differences:
            self.stdout.write(
                f"{found.day}, user {found.user_id}: {found.name} {dollars(found.recorded)}, "
                f"the ledger says {dollars(found.in_ledger)}: {would}repaired."
            )
        if not orphans and not differences:
            self.stdout.write("The days agree with the ledger.")


def _plain(value: Any) -> Any:
    if isinstance(value, reconciliation.Orphan | reconciliation.Difference):
        return asdict(value)
    return str(value)
