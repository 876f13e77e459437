"""Stands before the control plane and envd, and lets a request fail that a fault waits for."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .fault import REFUSALS, Fault
from .fleet import Fleet

CONTROL = re.compile(
    r"(?P<method>POST|GET|DELETE) (?:/v2)?/sandboxes(?:/(?P<id>\w+))?(?:/(?P<verb>connect|pause|timeout))?"
)
ENVD = {"/files": "files", "/process.Process/Start": "process"}
ROOT_CALLS = {"POST": "create", "GET": "list"}


class Faults:
    """What is to fail next: first in, first out, for the requests that each is meant for."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, faults: Iterable[Fault]) -> None:
        self._waiting.extend(faults)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, place: str, job: str | None) -> Fault | None:
        for n, fault in enumerate(self._waiting):
            if fault.times > 0 and fault.fits(place, job):
                self._waiting[n : n + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                return fault
        return None

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._waiting]

    @property
    def is_empty(self) -> bool:
        return not self._waiting


class Torn(Exception):
    """The answer is broken off."""


class Faulty:
    """An app whose requests fail where a fault waits for them."""

    def __init__(self, app: ASGIApp, fleet: Fleet, faults: Faults) -> None:
        self._app, self._fleet, self._faults = app, fleet, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place, sandbox_id = _place(scope)
        if self._faults.is_empty or not place:
            await self._app(scope, receive, send)
            return
        job = self._job_of(sandbox_id)
        if place == "create":
            receive, job = await _read(receive)
        fault = self._faults.take(place, job)
        if fault is None:
            await self._app(scope, receive, send)
        elif refusal := _refusal(fault):
            await refusal(scope, receive, send)
        else:
            await self._break(fault, scope, receive, send)

    def _job_of(self, sandbox_id: str) -> str | None:
        return next(
            (box.record.metadata.get("job") for box in self._fleet.all() if box.id == sandbox_id), None
        )

    async def _break(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Returning before the end of the body makes the server close the connection."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
            return
        parts = 0

        async def send_some(message: Message) -> None:
            nonlocal parts
            if message["type"] == "http.response.body":
                parts += 1
                if parts > fault.after:
                    raise Torn
                message = {**message, "more_body": True}
            elif message["type"] == "http.response.start":
                # Without its length, so that an answer that is cut looks whole.
                kept = [pair for pair in message["headers"] if pair[0] != b"content-length"]
                message = {**message, "headers": kept}
            await send(message)

        with contextlib.suppress(Torn):
            await self._app(scope, receive, send_some)
        if fault.kind == "cut":
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _place(scope: Scope) -> tuple[str, str]:
    """What a request asks for, and of which sandbox."""
    headers = dict(scope["headers"])
    if b"e2b-sandbox-id" in headers:
        return ENVD.get(scope["path"], ""), headers[b"e2b-sandbox-id"].decode()
    found = CONTROL.fullmatch(f"{scope['method']} {scope['path']}")
    if found is None:
        return "", ""
    if found["id"] is None:
        return ROOT_CALLS.get(found["method"], ""), ""
    return found["verb"] or ("kill" if found["method"] == "DELETE" else ""), found["id"]


async def _read(receive: Receive) -> tuple[Receive, str | None]:
    """The job that a sandbox is to be created for, and the request once more."""
    messages, body = [], b""
    while True:
        messages.append(await receive())
        body += messages[-1].get("body", b"")
        if not messages[-1].get("more_body"):
            break

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return again, (json.loads(body or b"{}").get("metadata") or {}).get("job")


def _refusal(fault: Fault) -> Response | None:
    """The answer in place of the app's own."""
    if fault.kind == "not_json":
        return HTMLResponse("<html><body>Welcome to the network of this hotel.</body></html>")
    if fault.kind == "not_whole":
        return JSONResponse({"sandboxID": "i0"})
    if fault.kind not in REFUSALS:
        return None
    status, code, message = REFUSALS[fault.kind]
    at_envd = fault.on in ("files", "process")
    headers = {} if fault.retry else {"Should-Retry": "false"}
    return JSONResponse({"code": code if at_envd else status, "message": message}, status, headers)
