"""Breaks things at random moments, until the builds are done."""

import logging
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Sum

from agents.models import AgentSession
from jobs.models import Job
from tests.chaos.servers import Postgres
from tests.jobs.redis_server import RedisServer
from tests.journeys.conftest import Rehearsal, Workers

log = logging.getLogger(__name__)

STALL_SECONDS = 150  # after this long without progress something is broken for good
FAULTS = ("overloaded", "cut", "torn", "stream_error")


def patiently(read: Callable[[], Any]) -> Any:
    """Read from a database that may be restarting."""
    for _ in range(200):
        try:
            return read()
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.1)
    return read()


@dataclass
class Monkey:
    """Sends SIGKILL to `kills` workers and SIGTERM to every fifth one; other faults happen in between."""

    seed: int
    kills: int
    workers: Workers
    rehearsal: Rehearsal
    postgres: Postgres
    redis: RedisServer
    turns: int  # the minimum time all builds together will take
    killed: int = 0
    exit_codes: list[int] = field(default_factory=list)  # of the workers that were asked to stop

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def play(self) -> None:
        """Kill, restart and disturb until all is done; each time after the builds have made some progress."""
        every = max(1, int(self.turns * 0.7 / (self.kills * 1.2)))
        while self.killed < self.kills:
            self._wait_for_progress(self.random.randint(1, 2 * every))
            time.sleep(self.random.uniform(0, 0.3))
            self._strike()

    def _strike(self) -> None:
        self.killed = number = self.killed + 1
        if number % 5 == 0:
            self.exit_codes.append(self._replace(signal.SIGTERM))
        if self.random.random() < 0.5:
            after = self.random.randint(0, 8)
            self.rehearsal.fail_with({"kind": self.random.choice(FAULTS), "after_events": after})
        if number % 12 == 6:
            self.postgres.restart()
        if number % 12 == 0:
            self.redis.kill()
            self.redis.start()
        self._replace(signal.SIGKILL)
        log.info("kill %s at turn %s", number, self._progress())

    def _replace(self, number: int) -> int:
        victim = self.random.choice(self.workers.running)
        self.workers.start()
        return self.workers.end(victim, number)

    def _wait_for_progress(self, turns: int) -> None:
        wanted = self._progress() + turns
        deadline = time.monotonic() + STALL_SECONDS
        while self._progress() < wanted:
            assert time.monotonic() < deadline, f"nothing goes on; {self.workers.log.read_text()[-4000:]}"
            assert patiently(Job.objects.filter(finished_at=None).exists), "the builds ended too soon"
            time.sleep(0.05)

    def _progress(self) -> int:
        total = patiently(lambda: AgentSession.objects.aggregate(total=Sum("iteration"))["total"])
        return int(total)
