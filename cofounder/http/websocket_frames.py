"""A text sent to many sockets is encoded once; daphne would encode it again for each of them."""

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.tcp import Connection

SHORT, LONG = 125, 0xFFFF  # the largest lengths that fit the header's one and two bytes
FINAL_TEXT = 0x81


class SharedFrames(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """Daphne's protocol; a text sent to one socket after the other keeps its encoded frame."""

    _said: str | None = None
    _frame = b""

    def serverSend(self, content: Any, binary: bool = False) -> None:  # noqa: N802  # daphne's name
        if binary or self.state != self.STATE_OPEN:
            super().serverSend(content, binary)
            return
        if content is not SharedFrames._said:
            SharedFrames._said, SharedFrames._frame = content, frame(content)
        _write(self.transport, SharedFrames._frame)


def _write(transport: Any, data: bytes) -> None:
    """Write at once if nothing else is waiting: Twisted would first ask the kernel whether it can, with three
    system calls per socket. What does not fit, and every failure, is left to Twisted."""
    is_plain = isinstance(transport, Connection) and not transport.TLS
    if is_plain and not (transport.dataBuffer or transport._tempDataBuffer or transport.disconnecting):
        sent = transport.writeSomeData(data)
        data = data[sent:] if isinstance(sent, int) else data
    if data:
        transport.write(data)


def frame(text: str) -> bytes:
    """One unmasked text frame, as a server sends it (RFC 6455, section 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size <= SHORT:
        return bytes([FINAL_TEXT, size]) + payload
    if size <= LONG:
        return bytes([FINAL_TEXT, 126]) + size.to_bytes(2, "big") + payload
    return bytes([FINAL_TEXT, 127]) + size.to_bytes(8, "big") + payload


def share() -> None:
    """Make daphne use it for every socket that it opens from now on."""
    WebSocketFactory.protocol = SharedFrames
