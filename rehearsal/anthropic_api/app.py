"""The HTTP side of the stand-in: Anthropic's endpoints, and `/rehearsal/...` to control and inspect it.

POST   /rehearsal/faults   [{"kind": "overloaded", "times": 2}, ...]   (rehearsal/fault.py)
GET    /rehearsal/faults   what still waits;   DELETE: forget it
GET    /rehearsal/billed   ?user_id=...  {"totals": {...}, "requests": [...]}
GET    /rehearsal/heard    ?user_id=...  {"requests": [{"at", "new", ...}], "latest": [...]}   (heard.py)
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from rehearsal.anthropic_api.billing import Bill
from rehearsal.anthropic_api.catalogue import ALIASES, MODELS, Model, describe, find_model
from rehearsal.anthropic_api.events import Event, first_usage, message_json, stream_events
from rehearsal.anthropic_api.fault_queue import FaultQueue, is_refusal
from rehearsal.anthropic_api.heard import Heard
from rehearsal.anthropic_api.oddities import made_odd
from rehearsal.anthropic_api.problem import Problem
from rehearsal.anthropic_api.prompt import prompt_of, prompt_tokens
from rehearsal.anthropic_api.prompt_cache import PromptCache
from rehearsal.anthropic_api.reply import Reply, compaction_reply, next_reply, scene_of
from rehearsal.anthropic_api.sending import EventStream, duration
from rehearsal.anthropic_api.usage import NOTHING, Usage
from rehearsal.anthropic_api.validation import validate_request
from rehearsal.e2b_api.faulty import Faults as SandboxFaults
from rehearsal.fault import HTTP_FAULTS, Fault, FaultError
from rehearsal.play import Library, PlayError
from rehearsal.play_file import load_library

MAX_BODY = 32 * 1024 * 1024


def create_app(
    plays_dir: Path,
    *,
    pace: float = 0.0,
    bill_path: Path | None = None,
    now: Callable[[], float] = time.time,
    sandbox_faults: SandboxFaults | None = None,
) -> Starlette:
    """The stand-in as an ASGI app that uses the plays in `plays_dir`.

    `pace` 1 is about as fast as a live model, 0 answers at once; `bill_path` keeps the bill across restarts;
    `now` is the cache's clock in seconds; `sandbox_faults` takes the faults that a play wants of its sandbox.
    Raises PlayError when a play is invalid.
    """
    faults = SandboxFaults() if sandbox_faults is None else sandbox_faults
    service = Service(load_library(plays_dir), pace, Bill(bill_path), PromptCache(now), faults)
    app = Starlette(
        routes=[
            Route("/v1/messages", service.messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", service.count_tokens, methods=["POST"]),
            Route("/v1/models", service.list_models),
            Route("/v1/models/{model_id}", service.show_model),
            Route("/rehearsal/faults", service.faults, methods=["GET", "POST", "DELETE"]),
            Route("/rehearsal/billed", service.billed),
            Route("/rehearsal/heard", service.told),
        ],
        exception_handlers={404: _not_found, Refused: _refused},
    )
    app.state.service = service
    return app


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.message)
        self.problem, self.headers = problem, headers or {}


def refuse_when(problem: Problem | None) -> None:
    if problem is not None:
        raise Refused(problem)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    request_id = new_request_id()
    return JSONResponse(
        error.problem.body(request_id), error.problem.status, {"request-id": request_id, **error.headers}
    )


async def _not_found(request: Request, error: Exception) -> Response:
    return await _refused(request, Refused(Problem(f"Not found: {request.url.path}", 404, "not_found_error")))


def new_request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


class Service:
    """What the requests share: the plays, the cache, the bill and the queued faults."""

    def __init__(
        self, library: Library, pace: float, bill: Bill, cache: PromptCache, sandbox_faults: SandboxFaults
    ) -> None:
        self.library, self.pace, self.bill, self.cache = library, pace, bill, cache
        self.queue, self.sandbox_faults = FaultQueue(), sandbox_faults
        self.heard = Heard()

    async def messages(self, request: Request) -> ASGIApp:
        at = time.time()
        api_key = _api_key(request)
        body = await _json(request)
        user_id = _user_id(body)
        fault = self.queue.take(user_id)
        if is_refusal(fault):
            raise _failure(fault)
        betas = _betas(request)
        refuse_when(next(iter(validate_request(body, betas)), None))
        self.heard.add(at, user_id, body["messages"])
        model = find_model(body["model"]) or MODELS[body["model"]]
        reply, fault = self._reply(body, model, fault)
        if reply.sandbox_fault and self.queue.is_first(f"sandbox {user_id} {reply.key}"):
            self.sandbox_faults.add([replace(reply.sandbox_fault, job=user_id)])
        usage = Usage(
            self.cache.use(api_key, model, prompt_of(body)), reply.output_tokens, reply.thinking_tokens
        )
        answer = Answer(reply, usage, model, beta=request.query_params.get("beta") == "true" or bool(betas))
        charge = partial(self.bill.add, model=model, user_id=user_id, kind=reply.kind, message_id=reply.id)
        if body.get("stream"):
            return answer.stream(duration(usage.output, self.pace), fault, charge)
        return answer.whole(fault, charge)

    def _reply(self, body: dict[str, Any], model: Model, fault: Fault | None) -> tuple[Reply, Fault | None]:
        """The answer and its fault, if any: one from the queue, else the step's own."""
        try:
            scene = scene_of(body, self.library)
            if body.get("compaction") is not None:
                return compaction_reply(scene), fault
            reply = next_reply(scene, model.id, fault)
            if fault is None:
                fault = self.queue.take_scripted(reply.fault, f"{scene.prefix}{reply.key}")
                if is_refusal(fault):
                    raise _failure(fault)
                if fault and fault.kind in ("stop", "odd"):
                    reply = next_reply(scene, model.id, fault)
            return reply, fault
        except PlayError as error:
            raise Refused(Problem(f"rehearsal: {error}")) from error

    async def count_tokens(self, request: Request) -> Response:
        _api_key(request)
        body = await _json(request)
        refuse_when(next(iter(validate_request(body, _betas(request), counting=True)), None))
        return _answer({"input_tokens": prompt_tokens(body)})

    async def list_models(self, request: Request) -> Response:
        _api_key(request)
        models = [describe(model) for model in MODELS.values()]
        return _answer(
            {"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]}
        )

    async def show_model(self, request: Request) -> Response:
        _api_key(request)
        model_id = request.path_params["model_id"]
        model = MODELS.get(ALIASES.get(model_id, model_id))
        if model is None:
            raise Refused(Problem(f"model: {model_id}", 404, "not_found_error"))
        return _answer(describe(model))

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                faults = await _json(request)
                self.queue.add(
                    [Fault.parse(fault) for fault in (faults if isinstance(faults, list) else [faults])]
                )
            except FaultError as error:
                raise Refused(Problem(str(error))) from error
        elif request.method == "DELETE":
            self.queue.clear()
        return _answer(self.queue.to_json())

    async def billed(self, request: Request) -> Response:
        return _answer(self.bill.to_json(request.query_params.get("user_id")))

    async def told(self, request: Request) -> Response:
        return _answer(self.heard.to_json(request.query_params.get("user_id")))


Charge = Callable[..., None]


class Answer:
    """One answer being sent; it is billed for the usage the client was told."""

    def __init__(self, reply: Reply, usage: Usage, model: Model, *, beta: bool) -> None:
        self.reply, self.usage, self.model, self.beta = reply, usage, model, beta
        self.request_id = new_request_id()
        self.told = NOTHING

    def stream(self, seconds: float, fault: Fault | None, charge: Charge) -> EventStream:
        events = list(stream_events(self.reply, self.usage, self.model, beta=self.beta))
        if fault and fault.kind == "odd":
            events = made_odd(events, fault.what)
        return EventStream(
            events,
            seconds,
            fault,
            {"request-id": self.request_id},
            sent=self._sent,
            done=lambda complete: charge(self.told, request_id=self.request_id, complete=complete),
        )

    def whole(self, fault: Fault | None, charge: Charge) -> ASGIApp:
        """Without streaming, a fault of the stream becomes an "overloaded" error."""
        if fault and fault.kind not in ("stop", "odd"):
            raise _failure(Fault("overloaded"))
        charge(self.usage, request_id=self.request_id, complete=True)
        return _answer(message_json(self.reply, self.usage, self.model, beta=self.beta), self.request_id)

    def _sent(self, event: Event) -> None:
        if event["type"] == "message_start":
            self.told = first_usage(self.reply, self.usage)
        elif event["type"] == "message_delta":
            self.told = self.usage


def _answer(content: Any, request_id: str | None = None) -> JSONResponse:
    return JSONResponse(content, headers={"request-id": request_id or new_request_id()})


def _failure(fault: Fault | None) -> Refused:
    """The HTTP error for a fault, worded as the API words it."""
    assert fault is not None
    status, kind, message = HTTP_FAULTS[fault.kind]
    headers = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
    return Refused(Problem(message, status, kind, fault.error_code), headers)


def _api_key(request: Request) -> str:
    """The key from `Authorization: Bearer` or `x-api-key`; any value is accepted, but there must be one."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    key = bearer if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not key.strip():
        raise Refused(Problem("x-api-key header is required", 401, "authentication_error"))
    if request.url.path.startswith("/v1/") and "anthropic-version" not in request.headers:
        raise Refused(Problem("anthropic-version: header is required"))
    return key.strip()


def _betas(request: Request) -> list[str]:
    values = ",".join(request.headers.getlist("anthropic-beta")).split(",")
    return [value.strip() for value in values if value.strip()]


def _user_id(body: Any) -> str | None:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    return metadata.get("user_id") if isinstance(metadata, dict) else None


async def _json(request: Request) -> Any:
    raw = await request.body()
    if len(raw) > MAX_BODY:
        raise Refused(Problem("Request exceeds the maximum size", 413, "request_too_large"))
    try:
        return json.loads(raw)
    except ValueError as error:
        raise Refused(Problem(f"The request body is not valid JSON: {error}")) from error
