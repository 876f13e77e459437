"""Units of work: synchronous functions in a transaction of their own, run beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, transaction

P = ParamSpec("P")
T = TypeVar("T")

# Django's own async calls share one thread, and one slow query there would hold up every agent.
_THREADS = ThreadPoolExecutor(8, thread_name_prefix="database")


async def unit(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `fn` in a transaction on a database thread.

    A thread cannot be stopped: when the caller is cancelled, the unit is waited for before the cancellation
    goes on, so that nobody else sees a half-written state. What it wrote stays written.
    """
    work = asyncio.get_running_loop().run_in_executor(
        _THREADS, copy_context().run, partial(_in_transaction, fn, *args, **kwargs)
    )
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with suppress(asyncio.CancelledError):  # a second cancellation waits like the first
                await asyncio.wait([work])
        work.exception()  # whoever cancelled wants to hear of the cancellation alone
        raise


def _in_transaction(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    close_old_connections()
    try:
        with transaction.atomic():
            return fn(*args, **kwargs)
    finally:
        close_old_connections()
