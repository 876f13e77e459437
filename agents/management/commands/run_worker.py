"""`manage.py run_worker`: runs agents until it is told to stop."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from prometheus_client import start_http_server

from agents.worker.process import work


class Command(BaseCommand):
    help = "Run agents. After SIGTERM or Ctrl-C each stops at its next checkpoint and releases its session."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=settings.WORKER_CONCURRENCY,
            metavar="N",
            help="how many agents may work at once (default: %(default)s)",
        )
        parser.add_argument(
            "--metrics-port",
            type=int,
            metavar="P",
            help="serve Prometheus metrics on this port (default: not at all)",
        )
        parser.add_argument(
            "--metrics-host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="the address to serve metrics on; no token is required (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["concurrency"] < 1:
            raise CommandError("--concurrency must be at least 1.")
        missing = [name for name in ("ANTHROPIC_API_KEY", "E2B_API_KEY") if not getattr(settings, name)]
        if missing:
            raise CommandError(
                f"{' and '.join(missing)} must be set for a worker. Without keys, `manage.py up` and "
                "`manage.py build` start the rehearsal servers in their place."
            )
        from agents import tasks  # noqa: F401  # registers them, and loads the SDKs, which only a worker needs

        with metrics_on(options["metrics_port"], options["metrics_host"]):
            uvloop.run(work(options["concurrency"]))


@contextmanager
def metrics_on(port: int | None, host: str) -> Iterator[None]:
    """Serve this worker's metrics on a port, if one is given, from a separate thread."""
    if port is None:
        yield
        return
    if not 1 <= port <= 65_535:
        raise CommandError("--metrics-port must be between 1 and 65535.")
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        raise CommandError(f"Port {port} of {host} cannot be used for metrics ({error.strerror}).") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
