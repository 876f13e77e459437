"""The IP addresses of a name."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

_NAMES = ThreadPoolExecutor(4, thread_name_prefix="names")  # a slow name server delays nothing else


class Resolver(Protocol):
    async def __call__(self, host: str, port: int, /) -> list[str]:
        """The addresses in the order to try them. Raises `OSError` or `UnicodeError` when there are none."""


async def resolve(host: str, port: int, /) -> list[str]:
    """From the system's resolver, which also reads unusual forms of an IP address.

    `localhost` and everything below it is this machine (RFC 6761), as not every resolver knows.
    """
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return ["127.0.0.1", "::1"]
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_NAMES, ask)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
