#!/usr/bin/env python
"""The operator's entry point: `python manage.py <command>`."""

import os
import sys

STARTS_SERVICES = {"up", "build", "drill"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cofounder.settings")
    from cofounder.config import environment

    try:
        if STARTS_SERVICES.intersection(sys.argv[1:2]):
            # Only these may run without keys: they create missing ones and keep them in the data directory.
            environment.make_missing_keys()
        from django.core.management import execute_from_command_line
        from django.db import OperationalError, ProgrammingError

        try:
            execute_from_command_line(sys.argv)
        except OperationalError as problem:
            sys.exit(f"cofounder: The database does not answer: {problem} `manage.py doctor` tells the fix.")
        except ProgrammingError as problem:
            if "does not exist" not in str(problem):
                raise
            sys.exit(f"cofounder: The database lacks a table or column: run `manage.py migrate`. {problem}")
    except environment.BadSetting as problem:
        sys.exit(f"cofounder: {problem}")


if __name__ == "__main__":
    main()
