"""envd's `/files`: uploads and downloads, streamed, so that a large file is never held in memory."""

import errno
import os
import re
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from .errors import InvalidArgument, NoSpace
from .sandbox import Sandbox

BLOCK = 256 * 1024
ESCAPE = re.compile(r"%(22|0[0-9A-F]|1[0-9A-F])|\\(\\)")


async def download(request: Request, sandbox: Sandbox) -> Response:
    link = await sandbox.link()
    _, [fd] = await link.call("open", path=_path(request))
    return StreamingResponse(_blocks(fd), media_type="application/octet-stream")


def _blocks(fd: int) -> Iterator[bytes]:
    with os.fdopen(fd, "rb", 0) as file:
        while block := file.read(BLOCK):
            yield block


async def upload(request: Request, sandbox: Sandbox) -> Response:
    kind = request.headers.get("content-type", "")
    if kind.startswith("multipart/form-data"):
        parts = multipart(await request.body(), kind)
        path = request.query_params.get("path")
        if not parts or (path is not None and len(parts) != 1):
            raise InvalidArgument("one file was expected for one path")
        written = [await _write(sandbox, path or name, _once(data)) for name, data in parts]
    else:
        written = [await _write(sandbox, _path(request), _decoded(request))]
    return JSONResponse(written)


def _path(request: Request) -> str:
    path = request.query_params.get("path", "")
    if not path or "\0" in path:
        raise InvalidArgument("path is missing")
    return path


async def _write(sandbox: Sandbox, path: str, blocks: AsyncIterator[bytes]) -> dict[str, Any]:
    if sandbox.watch.is_full:
        raise NoSpace
    answer, [fd] = await (await sandbox.link()).call("create", path=path)
    try:
        with os.fdopen(fd, "wb", 0) as file:
            async for block in blocks:
                if sandbox.watch.is_full:
                    raise NoSpace
                _write_all(file.fileno(), block)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise NoSpace from error
        raise
    return {"name": answer["name"], "type": "file", "path": answer["path"]}


def _write_all(fd: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(fd, rest) :]


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _decoded(request: Request) -> AsyncIterator[bytes]:
    if request.headers.get("content-encoding") != "gzip":
        async for block in request.stream():
            yield block
        return
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        async for block in request.stream():
            yield unzip.decompress(block)
        yield unzip.flush()
    except zlib.error as error:
        raise InvalidArgument(f"the upload is not gzip: {error}") from error


def multipart(body: bytes, content_type: str) -> list[tuple[str, bytes]]:
    """The files of a form as (name, data); the boundary must not occur inside the data."""
    found = re.search(r'boundary="?([^";]+)"?', content_type)
    if found is None:
        raise InvalidArgument("the form names no boundary")
    files = []
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode())[1:-1]:
        head, _, data = part.partition(b"\r\n\r\n")
        name = re.search(r'filename="([^"]*)"', head.decode("utf-8", "replace"))
        if name is None:
            raise InvalidArgument("a part of the form has no filename")
        files.append((_unescaped(name[1]), data))
    return files


def _unescaped(name: str) -> str:
    """A file name as it was before the client escaped it for the part's header."""
    return ESCAPE.sub(lambda match: match[2] or chr(int(match[1], 16)), name)
