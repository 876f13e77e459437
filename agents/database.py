"""Units of work: synchronous functions in a transaction of their own, run beside the event loop."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Barrier, local
from typing import ParamSpec, TypeVar

import psycopg
from django.db import OperationalError, connection, transaction
from procrastinate.exceptions import ConnectorException

P = ParamSpec("P")
T = TypeVar("T")

# Django's own async calls share one thread, and one slow query there would hold up every agent.
THREADS = 8
_THREADS = ThreadPoolExecutor(THREADS, thread_name_prefix="database")
_local = local()

TRUSTED_SECONDS = 0.25  # a connection idle for longer is tried first: the server may have been restarted


async def unit(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `fn` in a transaction on a database thread.

    A thread cannot be stopped: when the caller is cancelled, the unit is waited for before the cancellation
    goes on, so that nobody else sees a half-written state. What it wrote stays written.
    """
    return await _on_a_thread(partial(_in_transaction, fn, *args, **kwargs))


async def statement(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `unit`, for an `fn` whose usual case is a single statement: it opens what transaction it needs."""
    return await _on_a_thread(partial(fn, *args, **kwargs))


async def _on_a_thread(work: Callable[[], T]) -> T:
    running = asyncio.get_running_loop().run_in_executor(_THREADS, copy_context().run, _connected, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            with suppress(asyncio.CancelledError):  # a second cancellation waits like the first
                await asyncio.wait([running])
        running.exception()  # whoever cancelled wants to hear of the cancellation alone
        raise


def _connected(work: Callable[[], T]) -> T:
    """Do the work with this thread's own connection: a new one for every unit costs more than the unit."""
    if time.monotonic() - getattr(_local, "used_at", 0.0) > TRUSTED_SECONDS or connection.errors_occurred:
        _drop_if_dead()
    try:
        return work()
    except ConnectorException as error:
        if isinstance(error.__cause__, psycopg.OperationalError):
            raise OperationalError("The database went away while something was queued.") from error
        raise
    finally:
        _local.used_at = time.monotonic()


def _drop_if_dead() -> None:
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    connection.errors_occurred = False


def let_go() -> None:
    """Close the threads' connections, so that the database can be dropped."""
    together = Barrier(THREADS)
    for closing in [_THREADS.submit(_close, together) for _ in range(THREADS)]:
        closing.result()


def _close(together: Barrier) -> None:
    together.wait()  # a thread that is done waits here, so that every thread gets one
    connection.close()


def _in_transaction(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    with transaction.atomic():
        return fn(*args, **kwargs)
