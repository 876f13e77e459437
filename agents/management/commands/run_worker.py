"""`manage.py run_worker`: runs agents until it is told to stop."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from agents import screenshots, shutdown
from agents.sweep import keep_sweeping
from jobs import doorbell

STOP_SECONDS = 25  # how long loops may take to reach the end of their half-step


class Command(BaseCommand):
    help = "Run agents. SIGTERM or Ctrl-C lets each finish its half-step and hands the sessions back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--concurrency",
            type=int,
            default=settings.WORKER_CONCURRENCY,
            metavar="N",
            help="how many agents may work at once (default: %(default)s)",
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
        asyncio.run(work(options["concurrency"]))


async def work(concurrency: int) -> None:
    """Run the queue's tasks on this event loop until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    doorbell.ring_from(loop)
    connector = cast(DjangoConnector, app.connector).get_worker_connector()
    with app.replace_connector(connector) as queue:
        async with queue.open_async():
            sweeping = asyncio.create_task(keep_sweeping(queue))
            working = asyncio.create_task(
                queue.run_worker_async(
                    concurrency=concurrency,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=1.0,
                    update_heartbeat_interval=5.0,
                    stalled_worker_timeout=30.0,
                    shutdown_graceful_timeout=STOP_SECONDS,
                    delete_jobs="successful",
                )
            )
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, _stop, working)
            try:
                await working
            except asyncio.CancelledError:
                pass
            finally:
                sweeping.cancel()
                await screenshots.close()
                doorbell.ring_from(None)


def _stop(working: asyncio.Task[None]) -> None:
    shutdown.request()
    working.cancel()
