"""Makes the OpenAPI document. It is large, and loaded by the first who asks for it."""

from threading import Lock
from typing import Any

from django.conf import settings
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator


class Generator(SchemaGenerator):
    """Describes the API once in a process: it takes a while, anybody may ask, and two at once fail."""

    _described: dict[str, Any] | None = None
    _one_at_a_time = Lock()

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        with self._one_at_a_time, translation.override(settings.LANGUAGE_CODE):
            if Generator._described is None:
                Generator._described = super().get_schema(None, public=True)  # type: ignore[no-untyped-call]
            return Generator._described
