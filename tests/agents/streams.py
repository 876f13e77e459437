"""The bytes of an answer that the test client leaves as a stream."""

from django.http import StreamingHttpResponse


async def body_of(answer: object) -> bytes:
    """`answer` is an object because the stubs of the test clients know no streaming response."""
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join([part async for part in answer])
