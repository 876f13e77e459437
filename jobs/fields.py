"""Model fields of ours."""

import json
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Text encrypted in the database. The first of `FIELD_ENCRYPTION_KEYS` encrypts, all decrypt."""

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else _cipher().encrypt(str(value).encode()).decode()

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return None if value is None else _cipher().decrypt(value.encode()).decode()


class VerbatimJSONField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any
    """JSON that comes back as it went in: keys in their order, and every character.

    PostgreSQL's jsonb sorts keys and refuses NUL and lone surrogates; a transcript may hold either, and a
    model's thinking is bound to its exact bytes.
    """

    def get_prep_value(self, value: Any) -> str:
        return json.dumps(value, separators=(",", ":"))

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        return self.get_prep_value(self.value_from_object(obj))
