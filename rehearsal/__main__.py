"""`python -m rehearsal`: start both rehearsal servers and print their addresses as one line of JSON."""

import argparse
import asyncio
import sys
from pathlib import Path

from rehearsal.check import PLAYS
from rehearsal.play import PlayError
from rehearsal.serve import ServeError, Settings, serve


def main(argv: list[str]) -> int:
    """Run until stopped. Returns 0, or 1 after printing an error when the servers cannot run."""
    options = _parser().parse_args(argv)
    settings = Settings(
        options.anthropic_port, options.e2b_port, options.data_dir.resolve(), options.plays, options.pace
    )
    try:
        asyncio.run(serve(settings))
    except (ServeError, PlayError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    parser.add_argument("--anthropic-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--e2b-port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data-dir", type=Path, required=True, help="for the bill and the sandboxes")
    parser.add_argument(
        "--pace", type=float, default=1.0, help="1 reads like a live model, 0 answers at once"
    )
    parser.add_argument("--plays", type=Path, default=PLAYS, help="where the plays are")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
