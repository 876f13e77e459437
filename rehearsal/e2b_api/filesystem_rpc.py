"""envd's filesystem service: everything about files except their contents."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .connect_wire import unary_request
from .errors import InvalidArgument, NotFound
from .sandbox import Sandbox

Arguments = dict[str, Any]


def _path(message: Arguments) -> Arguments:
    return {"path": message.get("path", "")}


def _listing(message: Arguments) -> Arguments:
    return {**_path(message), "depth": int(message.get("depth", 1))}


def _move(message: Arguments) -> Arguments:
    return {"source": message.get("source", ""), "destination": message.get("destination", "")}


METHODS: dict[str, tuple[str, Callable[[Arguments], Arguments]]] = {
    "Stat": ("stat", _path),
    "ListDir": ("list", _listing),
    "MakeDir": ("mkdir", _path),
    "Move": ("move", _move),
    "Remove": ("remove", _path),
}


async def serve(request: Request, sandbox: Sandbox) -> Response:
    name = request.path_params["method"]
    if name not in METHODS:
        raise NotFound(f"filesystem.Filesystem/{name} is not offered here")
    op, arguments_of = METHODS[name]
    arguments = arguments_of(await unary_request(request))
    if any("\0" in value for value in arguments.values() if isinstance(value, str)):
        raise InvalidArgument("a path holds no zero byte")
    answer, _ = await (await sandbox.link()).call(op, **arguments)
    return JSONResponse(answer)
