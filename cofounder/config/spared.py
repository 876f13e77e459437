"""Packages that libraries load only because they are there, and that a web process has no use for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# structlog's colours (rich, pygments), test clients of Django and DRF (jinja2, requests), redis's traces.
OPTIONAL = ("rich", "pygments", "jinja2", "requests", "opentelemetry")


@contextmanager
def spared(*packages: str) -> Iterator[None]:
    """While this lasts, libraries find none of these packages and go without; afterwards they can be loaded.

    What is loaded already stays.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: the import system's word for "not there"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
