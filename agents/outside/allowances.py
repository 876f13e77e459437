"""What a caller may connect to: this app's own host and port, public addresses, or nothing."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol
from urllib.parse import urlsplit

from django.conf import settings

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
UNICAST = IPv6Network("2000::/3")  # the public part of IPv6
# Of an office or a data centre; neither this machine nor the cloud's own services (169.254.0.0/16).
OFFICE: tuple[IPv4Network | IPv6Network, ...] = (
    *map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")),
    IPv6Network("fc00::/7"),
)


class Allowance(Protocol):
    def admits(self, host: str, port: int) -> bool:
        """Whether this name may be asked for at all."""

    def may_reach(self, ip: str) -> bool:
        """Whether this IP address may be connected to, under a name that is admitted."""


@dataclass(frozen=True)
class OwnApp:
    """One host and port, that of the app in its sandbox.

    A local sandbox's app is on this machine. Any other is public, or in the operator's own network where the
    sandboxes are the operator's own (`in_office`): never on this machine, whatever its name resolves to.
    """

    host: str
    port: int
    in_office: bool = False

    def admits(self, host: str, port: int) -> bool:
        return (host.lower(), port) == (self.host, self.port)

    def may_reach(self, ip: str) -> bool:
        if is_local(self.host):
            return ip_address(ip).is_loopback
        return is_public(ip) or (self.in_office and is_of_an_office(ip))


@dataclass(frozen=True)
class PublicAddresses:
    """Whatever is on the open internet; `private_too` is for developing on one machine."""

    private_too: bool = False

    def admits(self, host: str, port: int) -> bool:
        return bool(host) and 0 < port < 65536

    def may_reach(self, ip: str) -> bool:
        return self.private_too or is_public(ip)


@dataclass(frozen=True)
class Nothing:
    """No connection at all."""

    def admits(self, host: str, port: int) -> bool:
        return False

    def may_reach(self, ip: str) -> bool:
        return False


def own_app(url: str) -> OwnApp:
    """The allowance for the app at a URL that the sandbox's provider gave. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url} is not the address of an app")
    return OwnApp(parts.hostname, parts.port or PORTS[parts.scheme], settings.PRIVATE_PREVIEWS)


def is_local(host: str) -> bool:
    """Whether a host's name is one of this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address is public. Those that embed another address (6to4, Teredo) never are."""
    ip = ip_address(address)
    if isinstance(ip, IPv4Address):
        return ip.is_global and not ip.is_multicast
    is_tunnel = ip.sixtofour is not None or ip.teredo is not None
    return ip in UNICAST and ip.is_global and not is_tunnel


def is_of_an_office(address: str) -> bool:
    ip: IPv4Address | IPv6Address = ip_address(address)
    return any(ip.version == network.version and ip in network for network in OFFICE)
