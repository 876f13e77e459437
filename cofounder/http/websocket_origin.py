"""Who may open a WebSocket: only pages of this site, by the Origin header of their browser."""

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import AllowedHostsOriginValidator, WebsocketDenier
from django.conf import settings


def own_pages_only(app: Any) -> Any:
    """The same host and port as the request's, or those of `BASE_URL`.

    An allowed host alone is not enough: agent-made pages may live on another port of the same machine.
    """
    allowed = AllowedHostsOriginValidator(app)
    denied = WebsocketDenier.as_asgi()

    async def guard(scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        asked = headers.get(b"host", b"").decode("latin-1").lower()
        origin = _place(headers.get(b"origin", b"").decode("latin-1"))
        is_own = bool(origin) and origin in (asked, _place(settings.BASE_URL))
        return await (allowed if is_own else denied)(scope, receive, send)

    return guard


def _place(address: str) -> str:
    """Host and port of an address; empty when it is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
