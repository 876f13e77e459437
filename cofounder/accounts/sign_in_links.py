"""One-time sign-in links: signed, valid for an hour, used up by signing in."""

from collections.abc import Callable
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from cofounder.models import User

SALT = "cofounder.entry"
SECONDS = 3600


class LinkUsed(Exception):
    """This link has been used, is too old, or was never valid."""


class Entry(NamedTuple):
    user: User
    next_path: str


class _EntryTokens(PasswordResetTokenGenerator):
    """Contains the moment of the last sign-in, to the microsecond, so that signing in uses the token up."""

    key_salt = SALT

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        last = user.last_login.isoformat() if user.last_login else ""
        return f"{user.pk}{user.password}{last}{timestamp}{user.email}"


_tokens = _EntryTokens()


def make_link(user: User, next_path: str) -> str:
    """An address that signs this user in once and leads to `next_path`, a path of this site.

    Raises `ValueError` for any other address.
    """
    if not is_own_path(next_path):
        raise ValueError(f"{next_path!r} is not a path of this site.")
    content = {"user": str(user.pk), "token": _tokens.make_token(user), "next": next_path}
    return settings.BASE_URL + reverse("enter", args=[signing.dumps(content, salt=SALT)])


def is_own_path(path: str) -> bool:
    return path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)


def read(token: str) -> Entry:
    """Who signs in with this token, and where they go; raises `LinkUsed` when it is not valid."""
    try:
        content = signing.loads(token, salt=SALT, max_age=SECONDS)
    except signing.BadSignature as error:
        raise LinkUsed from error
    user = get_user_model().objects.filter(pk=content["user"], is_active=True).first()
    if user is None or not _tokens.check_token(user, content["token"]):
        raise LinkUsed
    return Entry(user, content["next"])


@transaction.atomic
def use(token: str, sign_in: Callable[[User], None]) -> str:
    """Call `sign_in(user)` and say where to go. The lock lets only one of two clicks succeed."""
    entry = read(token)
    get_user_model().objects.select_for_update().get(pk=entry.user.pk)
    entry = read(token)
    sign_in(entry.user)
    return entry.next_path
