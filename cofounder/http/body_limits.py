"""Limits on a request, checked before anything reads it: its size, and no NUL characters in text."""

from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, JsonResponse
from django.utils.deprecation import MiddlewareMixin

from jobs.api.errors import body
from jobs.errors import TooLarge


class _TooLong(Exception):
    """The request is too large."""


def bounded(app: Any) -> Any:
    """Refuse a body longer than `DATA_UPLOAD_MAX_MEMORY_SIZE`, with or without a Content-Length."""

    async def guard(scope: dict[str, Any], receive: Any, send: Any) -> None:
        most, read = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, 0

        async def counted() -> Any:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise _TooLong
            return message

        try:
            await app(scope, counted, send)
        except _TooLong:
            await _refuse(send)

    return guard


async def _refuse(send: Any) -> None:
    refusal = TooLarge()
    answer = JsonResponse(body(refusal.code, str(refusal)))
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refusal.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})


class PlainText(MiddlewareMixin):
    """Refuses NUL in an address or a cookie: it means nothing there, and PostgreSQL cannot store it."""

    def process_request(self, request: HttpRequest) -> None:
        said = [request.path_info, request.META.get("QUERY_STRING", ""), *request.COOKIES.values()]
        if any("\0" in text or "%00" in text for text in said):
            raise SuspiciousOperation("The request contains a NUL character.")
