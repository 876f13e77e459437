"""Every address of the site, as this checkout's URL table has it, and who may reach it."""

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cryptography.fernet import Fernet

EVERY_METHOD = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# Answer anybody, or ask for a secret that is in the address.
OPEN = {"", "healthz", "readyz", "metrics", "api/docs", "api/schema", "api/auth/tokens"}
BY_SECRET = ("enter/", "answer/", "accounts/confirm-email/", "accounts/password/reset/key/")
SHARED = {"preview/<uuid:project_id>", "preview/<uuid:project_id>/progress"}
# With these a visitor ends its own sign-in, and the walk would go on blind.
LEAVING = {
    "accounts/logout/",
    "admin/logout/",
    "settings/tokens/revoke",
    "api/auth/tokens",
    "settings/delete",
}
# So seldom allowed that trying them often would leave the account of the walk in place.
SELDOM = {"api/account/delete", "api/account/export"}
# Staff reach these without any permission: the empty first page, and ways in and out.
ANY_STAFF = {"admin/", "admin/login/", "admin/logout/", "admin/jsi18n/", "admin/password_change/",
             "admin/password_change/done/"}  # fmt: skip
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()\[]|\[[^]]*\])*\)")


class Who(StrEnum):
    ANYBODY = "anybody"
    FOUNDERS = "founders, about themselves"
    OWNER = "the owner alone"
    SHARED = "the owner, and who has a share link"
    STAFF = "staff"


@dataclass(frozen=True)
class Route:
    pattern: str
    who: Who

    @property
    def parameters(self) -> list[str]:
        return [first or second for first, second in PARAMETER.findall(self.pattern)]

    def path(self, ids: dict[str, str]) -> str:
        def given(match: re.Match[str]) -> str:
            return ids.get(match[1] or match[2], "1")

        return "/" + re.sub(r"[\^$]", "", PARAMETER.sub(given, self.pattern))


def table() -> list[Route]:
    """From Django itself, so that no address can be forgotten."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cofounder.settings")
    # Settings are read for their addresses alone: any keys will do.
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("FIELD_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    import django
    from django.urls import get_resolver

    django.setup()
    return [Route(pattern, _who(pattern)) for pattern in _walk(get_resolver().url_patterns)]


def _walk(patterns: Any, prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        written = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from _walk(pattern.url_patterns, written)
        elif written != "api/":  # what answers 404 to everything else there
            yield written


def described(schema: dict[str, Any], known: list[Route]) -> list[Route]:
    """Operations that the install itself describes and the table does not have: another version's."""
    have = {re.sub(r"<\w+:", "<", route.pattern) for route in known}
    patterns = [re.sub(r"\{(\w+)\}", r"<\1>", path.lstrip("/")) for path in schema["paths"]]
    return [Route(pattern, _who(pattern)) for pattern in patterns if pattern not in have]


def _who(pattern: str) -> Who:
    if pattern.startswith("admin/"):
        return Who.STAFF
    if pattern in SHARED:
        return Who.SHARED
    if pattern in OPEN or pattern.startswith(("accounts/", *BY_SECRET)):
        return Who.ANYBODY
    return Who.OWNER if PARAMETER.search(pattern) and "notifications/" not in pattern else Who.FOUNDERS
