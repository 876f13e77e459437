"""Keeps the founder's secrets out of what the model, the feed and the logs get to see."""

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

SHORTEST = 6  # shorter values are ordinary words and numbers; hiding those would garble everything
HIDDEN = "[secret]"


class Redactor:
    """Replaces each given value, also where it is quoted for JSON or a URL, or encoded in base64."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if len(value.strip()) >= SHORTEST for form in _forms(value.strip())}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _forms(value: str) -> set[str]:
    encoded = base64.b64encode(value.encode()).decode()
    return {value, quote(value, safe=""), json.dumps(value)[1:-1], encoded, encoded.rstrip("=")}
