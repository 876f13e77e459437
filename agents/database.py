"""Runs synchronous database functions in threads beside the event loop, in transactions of their own."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Barrier, local
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

from jobs.database_away import recognised

P = ParamSpec("P")
T = TypeVar("T")

# Django's own async calls share one thread, where one slow query would block every agent.
THREADS = 8
_THREADS = ThreadPoolExecutor(THREADS, thread_name_prefix="database")
_local = local()

TRUSTED_SECONDS = 0.25  # a connection that was idle for longer is tested first: the server may have restarted


async def in_transaction(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `fn` in a transaction on a database thread.

    A thread cannot be stopped. If the caller is cancelled, `fn` is still waited for before the cancellation
    continues, so that nobody sees a half-written state. What it wrote is kept.
    """
    return await _on_a_thread(partial(_in_transaction, fn, *args, **kwargs))


async def in_thread(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `in_transaction`, for an `fn` that opens a transaction only if it needs one."""
    return await _on_a_thread(partial(fn, *args, **kwargs))


async def _on_a_thread(work: Callable[[], T]) -> T:
    running = asyncio.get_running_loop().run_in_executor(_THREADS, copy_context().run, _connected, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):  # a second cancellation waits as well
                await asyncio.wait([running])
        running.exception()  # mark it as retrieved: only the cancellation is reported
        raise


def _connected(work: Callable[[], T]) -> T:
    """Do the work with this thread's own connection: opening one each time would cost more than the work."""
    if time.monotonic() - getattr(_local, "used_at", 0.0) > TRUSTED_SECONDS or connection.errors_occurred:
        _drop_if_dead()
    try:
        with recognised():
            return work()
    finally:
        _local.used_at = time.monotonic()


def _drop_if_dead() -> None:
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    connection.errors_occurred = False


def close_connections() -> None:
    """Close the threads' connections, so that the database can be dropped."""
    together = Barrier(THREADS)
    for closing in [_THREADS.submit(_close, together) for _ in range(THREADS)]:
        closing.result()


def _close(together: Barrier) -> None:
    together.wait()  # each thread waits here for the others, so that each closes its own connection
    connection.close()


def _in_transaction(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with transaction.atomic():
        return fn(*args, **kwargs)
