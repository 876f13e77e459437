"""`python -m cofounder.operations.drill`: the drill, in the data directory that the environment names.

`manage.py drill` starts it as a process of its own, whose environment knows nothing of the live install.
Prints a line for each part, or with `--json` one list at the end; exits with 1 if a part failed.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType

import django

from cofounder.config import environment
from cofounder.install.supervisor import Install
from cofounder.install.waiting import StartFailed

PACE = "0"


def main(*, as_json: bool) -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "cofounder.settings"
    environment.make_missing_keys()
    django.setup()
    logging.disable(logging.ERROR)  # the install's processes have logs of their own
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _drill(as_json=as_json)
    except StartFailed as error:
        print(f"The drill could not start: {error}", file=sys.stderr)  # noqa: T201  # a program's answer
        return 1
    except KeyboardInterrupt:
        return 130


def _drill(*, as_json: bool) -> int:
    from cofounder.operations.drill.parts import (
        Drill,
        Result,  # needs the models to be loaded
    )

    def say(line: str) -> None:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)  # a program's answer

    results: list[Result] = []
    say("Starting an install that is thrown away afterwards.")
    with _install() as install:
        for result in Drill(install, say).run():
            results.append(result)
            say(f"{'pass' if result.ok else 'FAIL'}  {result.part}: {result.said} ({result.seconds} s)")
    if as_json:
        print(json.dumps([asdict(result) for result in results]))  # noqa: T201  # a program's answer
    return 0 if all(result.ok for result in results) else 1


@contextmanager
def _install() -> Iterator[Install]:
    """The embedded services, both rehearsal servers and a worker."""
    from django.conf import settings
    from django.db import connection

    with Install(port=None, settings={"REHEARSAL_PACE": PACE}) as install:
        for name in ("E2B_API_KEY", "E2B_API_URL", "E2B_SANDBOX_URL"):
            setattr(settings, name, install.env[name])
        install.start_worker()
        yield install
        connection.close()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(as_json="--json" in sys.argv[1:]))
