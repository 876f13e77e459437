"""Runs pure work that may take more than a few milliseconds in a thread beside the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Few: threads that compute take turns with the event loop, and each of them makes it wait longer.
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="beside")


async def beside(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The function's result. It must not use the database: its thread keeps no connection."""
    work = partial(copy_context().run, fn, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_THREADS, work)
