"""`python -m rehearsal`: start both rehearsal servers and print their addresses as one line of JSON."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from rehearsal.check import PLAYS
from rehearsal.e2b_api import holding
from rehearsal.e2b_api.limits import BadLimit, Limits
from rehearsal.play import PlayError
from rehearsal.serve import ServeError, Settings, serve


def main(argv: list[str]) -> int:
    """Run until stopped. Returns 0, or 1 after printing an error when the servers cannot run."""
    options = _parser().parse_args(argv)
    try:
        limits = Limits.of(os.environ)
        if options.try_sandbox:
            print(json.dumps(asyncio.run(_tried(limits))))  # noqa: T201 - this line is the program's output
            return 0
        data_dir = options.data_dir.resolve()
        asyncio.run(
            serve(
                Settings(
                    options.anthropic_port, options.e2b_port, data_dir, options.plays, options.pace, limits
                )
            )
        )
    except (ServeError, PlayError, BadLimit) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    return 0


async def _tried(limits: Limits) -> dict[str, Any]:
    """What confines commands here, without any server."""
    with tempfile.TemporaryDirectory() as scratch:
        return (await holding.find(Path(scratch), limits)).facts()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parser.add_argument("--anthropic-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--e2b-port", type=int, default=0, help="0 takes a free one")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data-dir", type=Path, help="for the bill and the sandboxes")
    what.add_argument("--try-sandbox", action="store_true", help="only print what confines commands here")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="1 reads like a live model, 0 answers at once"
    )
    parser.add_argument("--plays", type=Path, default=PLAYS, help="where the plays are")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
