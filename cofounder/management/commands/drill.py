"""`manage.py drill`: puts a throwaway build through days of operation, and says whether it survives."""

import os
import signal
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cofounder.config import environment
from cofounder.management import follow

# All that the drill gets of this environment: no database, Redis, bucket or key of the live install.
KNOWN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "CHROMIUM")


class Command(BaseCommand):
    help = (
        "In a data directory of its own, build a rehearsed app, kill its worker, empty its sandbox, pass "
        "midnight, and say for each whether the build went on. Takes a minute; exits with 1 if one fails."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer with a JSON list; progress on stderr")

    def handle(self, *args: Any, **options: Any) -> None:
        signal.signal(signal.SIGTERM, follow.interrupt)
        with TemporaryDirectory(prefix="cofounder-drill-", ignore_cleanup_errors=True) as directory:
            code = drill_in(Path(directory), as_json=options["json"])
        if code:
            raise CommandError("The drill did not pass.", returncode=1)


def drill_in(directory: Path, *, as_json: bool) -> int:
    """Run the drill in this directory; its exit code."""
    given = {name: os.environ[name] for name in KNOWN if name in os.environ}
    command = [sys.executable, "-m", "cofounder.operations.drill", *(["--json"] if as_json else [])]
    drill = subprocess.Popen(
        command, cwd=environment.BASE_DIR, env={**given, "DATA_DIR": str(directory), "DEBUG": "true"}
    )
    try:
        return drill.wait()
    except KeyboardInterrupt:
        drill.terminate()
        drill.wait()
        raise CommandError("The drill was stopped.", returncode=1) from None
