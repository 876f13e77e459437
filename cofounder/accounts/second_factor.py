"""Second factors: a key or an app besides the password. Staff need one, founders may have one."""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from jobs.fields import EncryptedTextField

_field: Any = EncryptedTextField()


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """The seeds of apps and recovery codes are encrypted in the database, as founders' secrets are."""

    def encrypt(self, text: str) -> str:
        return str(_field.get_prep_value(text))

    def decrypt(self, encrypted_text: str) -> str:
        return str(_field.from_db_value(encrypted_text))


def has_second_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=kinds).exists())


def encrypt_anew(authenticator: Authenticator) -> None:
    """Encrypt what is secret in it with the first key. Raises `InvalidToken`."""
    adapter = Adapter()
    data = authenticator.data
    for name in ("secret", "seed"):
        if name in data:
            data[name] = adapter.encrypt(adapter.decrypt(data[name]))
    if "migrated_codes" in data:
        data["migrated_codes"] = [adapter.encrypt(adapter.decrypt(code)) for code in data["migrated_codes"]]
    authenticator.save(update_fields=["data"])
