"""How a founder is notified: which e-mails they get, and a webhook of their own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from agents.models import NotificationSettings
from agents.notifications import notices
from agents.notifications.notices import Kind
from agents.notifications.webhook import new_secret, send_test
from agents.outside.guard import NotDelivered
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only
from jobs.errors import CofounderError

MAILS = {
    Kind.QUESTION: "a question waits for me",
    Kind.READY: "a build is ready",
    Kind.FAILED: "a build has failed",
    Kind.MONEY: "an agent sleeps because its money is used up",
}


@dataclass(frozen=True)
class Choice:
    name: str
    label: str
    is_on: bool


@dataclass(frozen=True)
class Verb:
    name: str
    label: str
    look: str = "secondary"


VERBS = [Verb("test", "Send a test"), Verb("secret", "Make a new secret"), Verb("remove", "Remove", "danger")]


@dataclass(frozen=True)
class Section:
    """What the settings show; `secret` is shown only once, `url` is what was typed."""

    chosen: NotificationSettings
    url: str = ""
    secret: str = ""
    kept: str = ""  # of the mails
    said: str = ""  # of the webhook, as is `wrong`
    wrong: str = ""
    mails: list[Choice] = field(default_factory=list)
    verbs: list[Verb] = field(default_factory=lambda: VERBS)

    @property
    def has_webhook(self) -> bool:
        return bool(self.chosen.webhook_url)


def section_of(user_id: UUID, **outcome: str) -> Section:
    chosen = notices.settings_of(user_id)
    mails = [Choice(kind.value, label, chosen.wants_mail(kind)) for kind, label in MAILS.items()]
    return Section(chosen, **{"url": chosen.webhook_url, **outcome}, mails=mails)


@founders_only
@never_cache
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    return _answer(request)


@founders_only
@require_POST
def mails(request: HttpRequest) -> HttpResponse:
    """Choose the e-mails to get."""
    wanted = request.POST.getlist("mail")
    choices = {f"mail_{kind.value}": kind.value in wanted for kind in MAILS}
    _keep(request, **choices)
    return _answer(request, kept="Saved.")


@founders_only
@never_cache
@require_POST
@limited("webhook")
@sensitive_variables()
def webhook(request: HttpRequest) -> HttpResponse:
    """Set the webhook's address. The first one comes with a secret, which stays when the address changes."""
    from agents.outside.post import check  # the HTTP client: a web process seldom needs it

    address = request.POST.get("url", "").strip()
    try:
        async_to_sync(check)(address)
    except (CofounderError, NotDelivered) as error:
        return _answer(request, 400, url=address, wrong=str(error))
    chosen = notices.settings_of(founder_of(request).pk)
    if chosen.webhook_url and chosen.webhook_secret:
        _keep(request, webhook_url=address, webhook_trouble="", webhook_called_at=None)
        return _answer(request, said="Saved. The secret stays the same.")
    secret = new_secret()
    _keep(request, webhook_url=address, webhook_secret=secret)
    return _answer(request, secret=secret)


@founders_only
@never_cache
@require_POST
@limited("webhook")
def act(request: HttpRequest, verb: str) -> HttpResponse:
    """Send the webhook a test message, give it another secret, or remove it."""
    if verb not in ACTS:
        raise Http404(f"There is no action called {verb}.")
    chosen = notices.settings_of(founder_of(request).pk)
    if not chosen.webhook_url:
        return _answer(request, 409, wrong="There is no webhook yet. Enter its address first.")
    return ACTS[verb](request, chosen)


def _test(request: HttpRequest, chosen: NotificationSettings) -> HttpResponse:
    try:
        async_to_sync(send_test)(chosen)
    except (CofounderError, NotDelivered) as error:
        return _answer(request, 400, wrong=f"The test did not arrive. {error}")
    return _answer(request, said="The test was sent and accepted.")


@sensitive_variables()
def _new_secret(request: HttpRequest, chosen: NotificationSettings) -> HttpResponse:
    secret = new_secret()
    _keep(request, webhook_secret=secret)
    return _answer(request, secret=secret)


def _remove(request: HttpRequest, chosen: NotificationSettings) -> HttpResponse:
    _keep(request, webhook_url="", webhook_secret="", webhook_trouble="", webhook_called_at=None)
    return _answer(request, said="The webhook is removed.")


ACTS: dict[str, Callable[[HttpRequest, NotificationSettings], HttpResponse]] = {
    "test": _test,
    "secret": _new_secret,
    "remove": _remove,
}


def _keep(request: HttpRequest, **fields: Any) -> None:
    NotificationSettings.objects.update_or_create(user=founder_of(request), defaults=fields)


def _answer(request: HttpRequest, status: int = 200, **outcome: str) -> HttpResponse:
    """The section alone for htmx, a page of its own without scripts."""
    template = "parts/notifications.html" if replies.is_htmx(request) else "notifications.html"
    context = {"notifications": section_of(founder_of(request).pk, **outcome)}
    return render(request, template, context, status=status)
