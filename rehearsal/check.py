"""`python -m rehearsal.check [PLAYS_DIR]`: load every play and report what is wrong with it."""

import sys
from pathlib import Path

from rehearsal.play import PlayError
from rehearsal.play_file import load_library

PLAYS = Path(__file__).parent / "plays"


def main(argv: list[str]) -> int:
    """Print one line for each play, or the errors; returns 0 when every play is valid."""
    try:
        library = load_library(Path(argv[0]) if argv else PLAYS)
    except PlayError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    for play in library.plays:
        print(f"{play.name}: {len(play.main.steps)} steps for {play.project!r}")  # noqa: T201 - this is a command
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
