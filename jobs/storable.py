"""Text that PostgreSQL can store."""

import re
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ODD = re.compile("[\0\ud800-\udfff]")


def storable(value: Any) -> Any:
    """A JSON value whose texts hold neither NUL nor lone surrogates, which PostgreSQL refuses."""
    if isinstance(value, str):
        return _without_odd(value) if _ODD.search(value) else value
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def _without_odd(text: str) -> str:
    return text.replace("\0", REPLACEMENT).encode("utf-8", "replace").decode()
