"""How allauth behaves here: links in its mails lead to `BASE_URL`, and wrong passwords have one counter."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as current
from django.conf import settings
from django.http import HttpRequest

from cofounder.models import User


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Whatever host the request was sent to: a stranger chooses it, and the link signs somebody in."""
        links = {name: at_base_url(value) for name, value in context.items() if name.endswith("_url")}
        host = urlsplit(settings.BASE_URL).netloc
        site = SimpleNamespace(name=host, domain=host)
        super().send_mail(template_prefix, email, {**context, **links, "current_site": site})

    def reauthenticate(self, user: User, password: str) -> bool:
        """By the address that is the login: users whom an operator made have no other."""
        found = self.authenticate(current.request, email=user.email, password=password)
        return bool(found == user)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """By the account alone; allauth counts anew for each host name the site answers to."""
        return str(credentials.get("email") or credentials.get("username") or "").lower()


def at_base_url(address: str) -> str:
    parts = urlsplit(address)
    return settings.BASE_URL + parts.path + (f"?{parts.query}" if parts.query else "")
