"""What keeps strangers out: HTTPS, the browser's policies, and rate limits."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

NONE, SELF = "'none'", "'self'"
YEAR_SECONDS = 365 * 24 * 3600
# How often one founder, or one stranger's address, may ask; signing in is limited by allauth.
RATES = {
    "tokens": "30/min",
    "projects": "60/hour",
    "interviews": "60/min",  # answers; each may cost a model call
    "typing": "120/min",  # what is typed in an interview, saved now and then
    "start": "60/hour",
    "messages": "60/min",
    "acts": "60/min",  # each is an event of the build's log
    "money": "60/min",
    "resolve": "60/min",
    "links": "60/min",
    "webhook": "20/min",  # each one may call out
    "account": "10/hour",  # export and deletion
}
BY_MACHINES = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked of a process itself, over plain HTTP


def transport(base_url: str, trusted_proxies: int) -> dict[str, Any]:
    """Django's settings for a site that is reached over HTTPS; none where it is not."""
    if not base_url.startswith("https://"):
        return {}
    secure: dict[str, Any] = {
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_REDIRECT_EXEMPT": BY_MACHINES,
        "SECURE_HSTS_SECONDS": YEAR_SECONDS,
        # The operator's other hosts are not ours to bind, nor is a list that browsers keep for ever.
        "SILENCED_SYSTEM_CHECKS": ["security.W005", "security.W021"],
    }
    if trusted_proxies:
        secure["SECURE_PROXY_SSL_HEADER"] = ("HTTP_X_FORWARDED_PROTO", "https")
    return secure


def content_policy(previews: Sequence[str]) -> dict[str, Any]:
    """The Content-Security-Policy: only our own files, nothing inline; agent-made pages only in frames."""
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:"],
            "font-src": [SELF],
            "connect-src": [SELF],
            "frame-src": [SELF, *previews],
            "form-action": [SELF],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
        }
    }


def preview_hosts(domain: str, sandbox_url: str) -> list[str]:
    """Where sandboxes serve their apps: below E2B's domain, and below the host of a stand-in."""
    hosts = [f"https://*.{domain}"]
    if sandbox_url:
        parts = urlsplit(sandbox_url)
        host = "localhost" if parts.hostname == "127.0.0.1" else parts.hostname
        hosts.append(f"{parts.scheme}://*.{host}{f':{parts.port}' if parts.port else ''}")
    return hosts
