"""Removes the founder's secrets from everything that the model, the feed and the logs receive."""

import base64
import json
from bisect import bisect_right
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
        self._longest = max(map(len, forms), default=0)
        self._beginnings: dict[str, list[str]] = {}  # the forms, sorted, by their first characters
        self._shorter: dict[str, str] = {}  # for a form, the longest other one that it begins with
        for form in sorted(forms):
            others = self._beginnings.setdefault(form[:SHORTEST], [])
            if shorter := self._which_begins(form, others):
                self._shorter[form] = shorter
            others.append(form)

    def __call__(self, text: str) -> str:
        """One pass over the text, however many secrets there are."""
        parts: list[str] = []
        end = 0
        for start in self._candidates(text):
            if start >= end and (form := self._form_at(text, start)):
                parts += (text[end:start], HIDDEN)
                end = start + len(form)
        return "".join([*parts, text[end:]])

    def _candidates(self, text: str) -> list[int]:
        """Where any form may begin."""
        known = self._beginnings
        if not known:
            return []
        return [at for at in range(len(text) - SHORTEST + 1) if text[at : at + SHORTEST] in known]

    def _form_at(self, text: str, start: int) -> str:
        """The longest form that stands at this place; "" when there is none."""
        forms = self._beginnings[text[start : start + SHORTEST]]
        return self._which_begins(text[start : start + self._longest], forms)

    def _which_begins(self, text: str, forms: list[str]) -> str:
        """The longest of the sorted forms that the text begins with.

        It is the last one not after the text, or one that this begins with: all between are longer.
        """
        place = bisect_right(forms, text)
        form = forms[place - 1] if place else ""
        while form and not text.startswith(form):
            form = self._shorter.get(form, "")
        return form


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
