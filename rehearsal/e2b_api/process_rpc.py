"""envd's process service: start commands, connect to them, send input and signals, list them."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from .command import Command, Cut, End, Listener, Output
from .connect_wire import (
    STREAM_TYPE,
    end_of_stream,
    envelope,
    open_envelope,
    sentence,
    timeout_of,
    unary_request,
)
from .errors import InvalidArgument, NotFound, SandboxError
from .sandbox import Sandbox

SIGNALS = {"SIGNAL_SIGTERM": 15, "SIGNAL_SIGKILL": 9}
NAMES = {9: "killed", 15: "terminated"}
KEEPALIVE = 50.0


async def start(request: Request, sandbox: Sandbox) -> Response:
    message = open_envelope(await request.body())
    config = message.get("process") or {}
    if not config.get("cmd"):
        raise InvalidArgument("process.cmd is missing")
    command, listener = await sandbox.start(
        config, message.get("tag"), stdin=bool(message.get("stdin")), timeout=timeout_of(request)
    )
    return _stream(request, command, listener, None)


async def connect(request: Request, sandbox: Sandbox) -> Response:
    message = open_envelope(await request.body())
    command = sandbox.command(message.get("process") or {})
    return _stream(request, command, command.listen(), timeout_of(request))


async def list_processes(request: Request, sandbox: Sandbox) -> Response:
    return JSONResponse({"processes": [_info(command) for command in sandbox.live_commands()]})


async def send_signal(request: Request, sandbox: Sandbox) -> Response:
    message = await unary_request(request)
    signum = SIGNALS.get(message.get("signal", ""))
    if signum is None:
        raise InvalidArgument("signal must be SIGNAL_SIGTERM or SIGNAL_SIGKILL")
    await sandbox.command(message.get("process") or {}).signal(signum)
    return JSONResponse({})


async def send_input(request: Request, sandbox: Sandbox) -> Response:
    message = await unary_request(request)
    command = sandbox.command(message.get("process") or {})
    try:
        data = base64.b64decode((message.get("input") or {}).get("stdin", ""), validate=True)
    except binascii.Error as error:
        raise InvalidArgument("input.stdin is not base64") from error
    command.write(data)
    return JSONResponse({})


async def close_stdin(request: Request, sandbox: Sandbox) -> Response:
    message = await unary_request(request)
    sandbox.command(message.get("process") or {}).close_stdin()
    return JSONResponse({})


METHODS = {
    "Start": start,
    "Connect": connect,
    "List": list_processes,
    "SendSignal": send_signal,
    "SendInput": send_input,
    "CloseStdin": close_stdin,
}
STREAMS = {"Start", "Connect"}


async def serve(request: Request, sandbox: Sandbox) -> Response:
    name = request.path_params["method"]
    method = METHODS.get(name)
    if method is None:
        raise NotFound(f"process.Process/{name} is not offered here")
    try:
        return await method(request, sandbox)
    except SandboxError as error:
        if name not in STREAMS:
            raise
        return Response(end_of_stream(error.code, sentence(error)), media_type=STREAM_TYPE)


def _stream(request: Request, command: Command, listener: Listener, limit: float | None) -> Response:
    interval = request.headers.get("keepalive-ping-interval", "")
    ping = float(interval) if interval.isdigit() and int(interval) else KEEPALIVE
    return StreamingResponse(_events(command, listener, ping, limit), media_type=STREAM_TYPE)


async def _events(
    command: Command, listener: Listener, ping: float, limit: float | None
) -> AsyncIterator[bytes]:
    """A command's events as frames; if the caller disconnects, the command keeps running."""
    loop = asyncio.get_running_loop()
    deadline = None if limit is None else loop.time() + limit
    try:
        yield _frame({"start": {"pid": command.pid}})
        while True:
            wait = ping if deadline is None else min(ping, max(deadline - loop.time(), 0))
            try:
                event = await asyncio.wait_for(listener.get(), wait)
            except TimeoutError:
                if deadline is not None and loop.time() >= deadline:
                    yield end_of_stream("deadline_exceeded", "the time to listen is over")
                    return
                yield _frame({"keepalive": {}})
                continue
            if isinstance(event, Cut):
                yield end_of_stream(event.code, event.message)
                return
            if isinstance(event, End):
                yield _frame({"end": _end(event)})
                yield end_of_stream()
                return
            yield _frame({"data": _data(event)})
    finally:
        command.leave(listener)


def _frame(event: dict[str, Any]) -> bytes:
    return envelope({"event": event})


def _data(output: Output) -> dict[str, str]:
    return {output.stream: base64.b64encode(output.chunk).decode()}


def _end(end: End) -> dict[str, Any]:
    if end.signal:
        status = f"signal: {NAMES.get(end.signal, end.signal)}"
        return {"exitCode": -1, "exited": False, "status": status, "error": status}
    ended: dict[str, Any] = {"exitCode": end.code, "exited": True, "status": f"exit status {end.code}"}
    return ended if end.code == 0 else {**ended, "error": ended["status"]}


def _info(command: Command) -> dict[str, Any]:
    info: dict[str, Any] = {"pid": command.pid, "config": command.config}
    return info if command.tag is None else {**info, "tag": command.tag}
