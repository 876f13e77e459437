"""An HTTP client: every request, each hop of a redirect included, goes to an IP address that was checked."""

import ssl
from functools import cache

import httpx

from agents.outside import guard
from agents.outside.allowances import PORTS, Allowance
from agents.outside.resolver import Resolver, resolve


def client(allowance: Allowance, *, seconds: float, resolver: Resolver = resolve) -> httpx.AsyncClient:
    """Follows no redirects, and uses no proxy of the environment."""
    return httpx.AsyncClient(
        transport=GuardedTransport(allowance, resolver),
        follow_redirects=False,
        timeout=seconds,
        trust_env=False,
    )


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Connects to the IP addresses that were checked, with the URL's host in the Host header and for TLS."""

    def __init__(self, allowance: Allowance, resolver: Resolver = resolve) -> None:
        # A connection is used once: kept alive, it would serve any other name with the same IP address.
        limits = httpx.Limits(max_keepalive_connections=0)
        super().__init__(verify=_tls(), trust_env=False, limits=limits)
        self._allowance = allowance
        self._resolver = resolver

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.raw_host.decode()
        found = await guard.addresses(self._allowance, host, port_of(request.url), self._resolver)
        *others, last = found
        for ip in others:
            try:
                return await self._send(request, host, ip)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send(request, host, last)

    async def _send(self, request: httpx.Request, host: str, ip: str) -> httpx.Response:
        addressed = httpx.Request(
            request.method,
            request.url.copy_with(host=ip),
            headers=request.headers,  # among them Host, with the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await super().handle_async_request(addressed)


def port_of(url: httpx.URL) -> int:
    return url.port or PORTS.get(url.scheme, 0)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
