"""What many sockets are told alike becomes bytes once; daphne would frame it for each of them anew."""

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet.tcp import Connection

SHORT, LONG = 125, 0xFFFF  # the most bytes that the header's one and two bytes can tell
FINAL_TEXT = 0x81


class SharedFrames(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """Daphne's protocol; a text that is said to one socket after the other is kept as the frame it was."""

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
    """At once where nothing waits to be sent before it: Twisted would first ask the kernel whether it may,
    with three calls for every socket. What does not fit, and every failure, is Twisted's as ever."""
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
    """Let every socket that daphne opens from now on speak so."""
    WebSocketFactory.protocol = SharedFrames
