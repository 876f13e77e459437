"""Runs a module's `main` after setting up Django: `python -m bench.inside bench.systems.ours`."""

import os
import sys
from importlib import import_module

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cofounder.settings")
    django.setup()
    name, *sys.argv[1:] = sys.argv[1:]
    import_module(name).main()


if __name__ == "__main__":
    main()
