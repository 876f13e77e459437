"""What a system reports of its run: the time of each iteration, and how much the server wrote meanwhile."""

import json
import time

import psycopg

WAL_AT = (0, 50, 250, 300)  # iterations after which the position of the write-ahead log is read


class Meter:
    """Call `tick` at every model call; the time between two ticks is an iteration."""

    def __init__(self, conninfo: str) -> None:
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self._connection.execute("CHECKPOINT")  # every system starts with the same full-page writes
        self._milliseconds: list[float] = []
        self._wal: dict[int, int] = {}
        self._since: float | None = None

    def tick(self) -> None:
        now = time.perf_counter()
        if self._since is not None:
            self._milliseconds.append(1000 * (now - self._since))
        done = len(self._milliseconds)
        if done in WAL_AT:
            self._wal[done] = self._wal_bytes()
        self._since = time.perf_counter()

    def _wal_bytes(self) -> int:
        row = self._connection.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert row is not None
        return int(row[0])

    def report(self, **more: float) -> None:
        """Print the measurements for the process that started this one."""
        self._connection.close()
        print(json.dumps({"milliseconds": self._milliseconds, "wal": self._wal, **more}))
