"""Removes the founder's secrets from everything that the model, the feed and the logs receive."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

SHORTEST = 6  # shorter values are ordinary words and numbers; hiding those would garble everything
HIDDEN = "[secret]"
URL_SAFE = str.maketrans("+/", "-_")


class Redactor:
    """Replaces each value and each of its lines: plain, quoted for JSON or a URL, in hex or in base64."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        texts = {part.strip() for value in values for part in (value, *value.splitlines())}
        forms = {form for text in texts if len(text) >= SHORTEST for form in _forms(text)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _forms(value: str) -> set[str]:
    raw = value.encode()
    forms = {value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    forms |= {json.dumps(value, ensure_ascii=False)[1:-1], raw.hex(), raw.hex().upper()}
    for before in range(3):
        for inside in (_inside(raw, before), _to_the_end(raw, before)):
            forms |= {inside, inside.translate(URL_SAFE)}
    return forms


def _to_the_end(raw: bytes, before: int) -> str:
    """The base64 of the bytes at the end of a text, with the padding."""
    return base64.b64encode(bytes(before) + raw).decode()[-(-before * 8 // 6) :]


def _inside(raw: bytes, before: int) -> str:
    """The base64 of the bytes within a longer text, `before` bytes after the start of a group of three.

    Characters that also encode bits of neighbouring bytes are left out.
    """
    encoded = base64.b64encode(bytes(before) + raw).decode()
    return encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
