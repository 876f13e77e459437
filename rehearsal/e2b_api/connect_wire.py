"""The Connect protocol with its JSON codec: enveloped streams, unary answers, errors."""

import gzip
import json
import struct
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .errors import InvalidArgument, SandboxError

HEADER = struct.Struct(">BI")
COMPRESSED = 1
END_OF_STREAM = 2
STREAM_TYPE = "application/connect+json"


def envelope(message: dict[str, Any], flags: int = 0) -> bytes:
    body = json.dumps(message).encode()
    return HEADER.pack(flags, len(body)) + body


def end_of_stream(code: str = "", message: str = "") -> bytes:
    """The frame that closes a stream, with an error when code is given."""
    return envelope({"error": {"code": code, "message": message}} if code else {}, END_OF_STREAM)


def open_envelope(body: bytes) -> dict[str, Any]:
    """The one message of a server-streaming request."""
    if len(body) < HEADER.size:
        raise InvalidArgument("the request holds no message")
    flags, length = HEADER.unpack_from(body)
    payload = body[HEADER.size : HEADER.size + length]
    return _object(gzip.decompress(payload) if flags & COMPRESSED else payload)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        message = json.loads(payload or b"{}")
    except ValueError as error:
        raise InvalidArgument(f"the request is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise InvalidArgument("the request is not a JSON object")
    return message


async def unary_request(request: Request) -> dict[str, Any]:
    return _object(await request.body())


def timeout_of(request: Request) -> float | None:
    """The caller's deadline in seconds."""
    header = request.headers.get("connect-timeout-ms", "")
    return int(header) / 1000 if header.isdigit() and int(header) else None


def error_response(error: SandboxError) -> Response:
    return JSONResponse({"code": error.code, "message": sentence(error)}, error.status)


def sentence(error: SandboxError) -> str:
    return str(error) or str(error.__doc__)
