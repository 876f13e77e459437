"""Answers that HTTP gives no body: those to HEAD, and 204 and 304.

daphne leaves out the first piece of a streamed body alone. The rest would be read as the beginning of the
next answer on the same connection, which behind a proxy may be somebody else's.
"""

from http import HTTPStatus
from typing import Any

WITHOUT = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def without_body(app: Any) -> Any:
    async def guard(scope: dict[str, Any], receive: Any, send: Any) -> None:
        is_empty = scope["method"] == "HEAD"

        async def emptied(message: dict[str, Any]) -> None:
            nonlocal is_empty
            if message["type"] == "http.response.start":
                is_empty = is_empty or message["status"] in WITHOUT
            elif is_empty and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await app(scope, receive, emptied)

    return guard
