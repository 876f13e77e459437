"""Model fields of ours."""

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
