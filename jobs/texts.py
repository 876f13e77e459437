"""Text that PostgreSQL can store."""

from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(value: Any) -> Any:
    """A JSON value whose texts hold neither NUL nor lone surrogates, which PostgreSQL refuses."""
    if isinstance(value, str):
        return (
            value.replace("\0", REPLACEMENT).encode("utf-8", "replace").decode() if _is_odd(value) else value
        )
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def _is_odd(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)
