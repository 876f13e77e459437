"""The correlation id of a request: in its response, and in every line logged for it."""

import re
import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from structlog.contextvars import bound_contextvars

HEADER = "X-Request-ID"
ACCEPTABLE = re.compile(r"[\w.:-]{8,64}", re.ASCII)


def correlated(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: use the id that a proxy has set, or make one."""

    def respond(request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "")
        correlation_id = given if ACCEPTABLE.fullmatch(given) else secrets.token_hex(8)
        with bound_contextvars(correlation_id=correlation_id):
            response = get_response(request)
        response[HEADER] = correlation_id
        return response

    return respond
