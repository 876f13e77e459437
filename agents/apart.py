"""Runs work on a stranger's file in a process of its own, which may hang or fill its memory by itself."""

import asyncio
import sys
from pathlib import Path

from agents.errors import AgentError

SECONDS = 30.0
LARGEST_OUTPUT = 60_000_000  # bytes


class NotFinished(AgentError):
    """The work was ended, or ended by itself, before it had a result."""


async def apart(program: Path, *arguments: str, given: bytes) -> bytes:
    """What a program of ours prints. It has no environment: no keys, and no settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(program), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate(given)
    except TimeoutError as error:
        raise NotFinished from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or len(printed) > LARGEST_OUTPUT:
        raise NotFinished
    return printed
