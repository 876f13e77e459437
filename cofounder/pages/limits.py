"""The API's rate limits for the same actions on pages: both count together."""

from collections.abc import Callable
from functools import wraps
from math import ceil
from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest, HttpResponse

from cofounder.pages import error_pages, replies
from jobs.api.throttles import ChangesThrottle
from jobs.errors import TooOften

Page = Callable[..., HttpResponse]


def limited(scope: str, *, reads: bool = False) -> Callable[[Page], Page]:
    """Answer 429 when somebody asks for this more often than `security.RATES` allows.

    Reading is not limited, unless `reads`.
    """

    asked = SimpleNamespace(throttle_scope=scope, throttle_reads=reads)

    def decorate(page: Page) -> Page:
        @wraps(page)
        def limited_page(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponse:
            throttle = ChangesThrottle()
            if throttle.allow_request(request, asked):
                return page(request, *arguments, **named)
            return _too_often(request, throttle.wait() or 1)

        return limited_page

    return decorate


def _too_often(request: HttpRequest, wait: float) -> HttpResponse:
    if not replies.is_htmx(request):
        return error_pages.too_many(request, wait)
    response = replies.refused(request, TooOften(), back="")
    response["Retry-After"] = str(ceil(wait))
    return response
