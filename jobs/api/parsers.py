"""Request bodies: JSON of a bounded size and depth, in text that can be stored."""

import io
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MOST_LEVELS = 40


class BoundedJSONParser(JSONParser):
    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig
        try:
            data = super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        _need_usable(data)
        return data


def _need_usable(data: Any) -> None:
    """Refuse deep nesting, and lone surrogates, which no database stores."""
    level, depth = [data], 0
    while level := [child for item in level for child in _children(item)]:
        depth += 1
        if depth > MOST_LEVELS:
            raise ParseError("The JSON is nested too deeply.")
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ParseError("The text holds half of a character (a lone surrogate).") from None


def _children(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(item.values())
    return item if isinstance(item, list) else []
