"""Who opened a WebSocket, by the session cookie of the pages."""

from importlib import import_module
from typing import Any

from channels.auth import get_user
from channels.middleware import BaseMiddleware
from channels.sessions import CookieMiddleware
from django.conf import settings


class SignedIn(BaseMiddleware):  # type: ignore[misc]  # channels has no types
    """Fills in `session` and `user`. Channels' own stack does too, and then stands between the socket and
    each of its frames, to save a session that no socket of ours changes."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        store = import_module(settings.SESSION_ENGINE).SessionStore
        session = store(scope["cookies"].get(settings.SESSION_COOKIE_NAME))
        user = await get_user({"session": session})
        return await self.inner({**scope, "session": session, "user": user}, receive, send)


def signed_in(app: Any) -> Any:
    return CookieMiddleware(SignedIn(app))
