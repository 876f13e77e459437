"""`manage.py up`: everything on one machine, until Ctrl-C."""

import signal
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from cofounder.config import environment
from cofounder.config.logs import write_to
from cofounder.install import demo, embedded
from cofounder.install.embedded import AlreadyRunning
from cofounder.install.reachable import Unreachable
from cofounder.install.status_line import StatusLine
from cofounder.install.supervisor import Install, refuse_taken_port
from cofounder.install.waiting import StartFailed

LOOK_SECONDS = 0.5


class Command(BaseCommand):
    help = "Start the services, the web process and a worker. Ctrl-C stops them all."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="where the site listens (default: %(default)s)"
        )
        parser.add_argument(
            "--host", default="127.0.0.1", help="the address it listens on (default: %(default)s)"
        )
        parser.add_argument(
            "--demo", action="store_true", help="open a founder's project that is being built"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background job begins with SIGINT ignored
            signal.signal(number, _interrupt)
        try:
            self._up(options)
        except AlreadyRunning as error:
            raise CommandError(
                f"{error} Stop them there with Ctrl-C, or set DATA_DIR to another directory."
            ) from error
        except (StartFailed, Unreachable) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def _up(self, options: dict[str, Any]) -> None:
        port, host = options["port"], options["host"]
        if not 1 <= port <= 65_533:
            raise CommandError("--port must lie between 1 and 65533.")
        if environment.is_embedded("DATABASE_URL") or environment.is_embedded("REDIS_URL"):
            embedded.refuse_second(settings.DATA_DIR)  # before the port, which the first one has, too
        refuse_taken_port(host, port)
        self.stdout.write("Starting. The first time takes a little longer.")
        line = StatusLine(sys.stdout)
        try:
            with Install(port=port, host=host, show=line.show) as install:
                write_to(install.log_of("up"))
                url = install.start_web()
                install.start_worker()
                settings.BASE_URL = url  # links made in this process lead to that site
                has_short_days = options["demo"] and bool(install.rehearsal) and settings.MOVABLE_CLOCK
                if settings.MOVABLE_CLOCK:
                    demo.begin_days(is_short=has_short_days)
                if options["demo"]:
                    url = demo.open_build()
                line.close()
                self._say_where(url, install.notes)
                self._keep_running(install, has_short_days=has_short_days)
        finally:
            line.close()

    def _keep_running(self, install: Install, *, has_short_days: bool) -> None:
        while True:
            for said in install.keep_running():
                self.stdout.write(said)
                self.stdout.flush()
            if has_short_days:
                with suppress(OperationalError):  # the database is down; the next round tries again
                    demo.let_the_night_pass()
                connection.close()
            time.sleep(LOOK_SECONDS)

    def _say_where(self, url: str, notes: list[str]) -> None:
        self.stdout.write(self.style.SUCCESS(f"\n  {url}\n"))
        for note in notes:
            self.stdout.write(f"  {note}")
        if settings.EMAIL_CONFIG.get("EMAIL_FILE_PATH"):
            self.stdout.write(
                f"  Mails are not sent: they are files in {settings.EMAIL_CONFIG['EMAIL_FILE_PATH']}."
            )
        self.stdout.write(f"  Logs are in {settings.DATA_DIR / 'logs'}. Ctrl-C stops everything.\n")
        self.stdout.flush()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
