"""What is sent to many sockets is framed as RFC 6455 requires, and daphne's sockets use these frames."""

import pytest
from daphne.ws_protocol import WebSocketFactory
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from cofounder import asgi  # noqa: F401  # noqa: F401  # what a web process loads
from cofounder.http.websocket_frames import SharedFrames, frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_read_as_what_was_said(length: int) -> None:
    stream = StreamReader()
    stream.feed_data(frame("é" * (length // 2) + "x" * (length % 2)))
    parsing = Frame.parse(stream.read_exact, mask=False)
    with pytest.raises(StopIteration) as ended:
        next(parsing)
    read = ended.value.value
    assert (read.opcode, read.fin, len(read.data)) == (Opcode.TEXT, True, length)


def test_daphne_opens_sockets_that_share_their_frames() -> None:
    assert WebSocketFactory.protocol is SharedFrames
