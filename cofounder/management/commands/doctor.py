"""`manage.py doctor`: what is wrong with an install, and what to do about it."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cofounder.operations.doctor.finding import Finding, Level


class Command(BaseCommand):
    help = "Check every part of the install and say how to fix what is wrong. Exits with 1 if a part fails."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer with a JSON list of findings")

    def handle(self, *args: Any, **options: Any) -> None:
        from cofounder.operations.doctor.examination import examine  # loads the SDKs of the providers

        findings = []
        for finding in examine():
            findings.append(finding)
            if not options["json"]:
                self._say(finding)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(finding) for finding in findings]))
        failed = [finding for finding in findings if finding.level == Level.FAIL]
        if failed:
            raise CommandError(f"{len(failed)} of {len(findings)} parts have problems: {failed[0].fix}")

    def _say(self, finding: Finding) -> None:
        style = {
            Level.OK: self.style.SUCCESS,
            Level.WARN: self.style.WARNING,
            Level.FAIL: self.style.ERROR,
        }[finding.level]
        self.stdout.write(f"{style(f'{finding.level:<4}')}  {finding.part}: {finding.said}")
        if finding.fix:
            self.stdout.write(f"      {finding.fix}")
        self.stdout.flush()
