"""E2B's control plane over HTTP: create, find, pause, resume, extend and kill sandboxes.

POST   /rehearsal/faults   [{"kind": "server_error", "on": "timeout"}, ...]   (fault.py)
GET    /rehearsal/faults   what still waits;   DELETE: forget it
GET    /rehearsal/health   what confines commands here; the only request that needs no key
"""

import base64
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .connect_wire import sentence, unary_request
from .errors import InvalidArgument, NotFound, SandboxError
from .fault import Fault
from .faulty import Faults
from .fleet import Fleet
from .limits import CPUS, MIB
from .record import ENVD_VERSION, parse_new, parse_timeout
from .sandbox import Sandbox

CLIENT_ID = "local"
PAGE = 100

Handler = Callable[[Request, Fleet], Awaitable[Response]]


async def create(request: Request, fleet: Fleet) -> Response:
    body = await unary_request(request)
    record = parse_new(body, request.headers.get("idempotency-key"))
    return JSONResponse(_started(fleet.create(record, parse_timeout(body)), fleet), 201)


async def connect(request: Request, fleet: Fleet) -> Response:
    """200 for one that was running, 201 for one that was resumed."""
    sandbox = _named(request, fleet)
    body = await unary_request(request)
    status = 200 if sandbox.running else 201
    await fleet.connect(sandbox, parse_timeout(body), memory=body.get("memory") is not False)
    return JSONResponse(_started(sandbox, fleet), status)


async def pause(request: Request, fleet: Fleet) -> Response:
    sandbox = _named(request, fleet)
    body = await unary_request(request)
    await sandbox.pause(memory=body.get("memory") is not False)
    return Response(status_code=204)


async def set_timeout(request: Request, fleet: Fleet) -> Response:
    sandbox = _named(request, fleet)
    timeout = parse_timeout(await unary_request(request))
    if not sandbox.running:
        raise NotFound(f"sandbox {sandbox.id} is not running")
    fleet.extend(sandbox, timeout)
    return Response(status_code=204)


async def kill(request: Request, fleet: Fleet) -> Response:
    await fleet.remove(_named(request, fleet))
    return Response(status_code=204)


async def detail(request: Request, fleet: Fleet) -> Response:
    sandbox = _named(request, fleet)
    record = sandbox.record
    return JSONResponse(
        {
            **_listed(sandbox, fleet),
            "envdAccessToken": record.access_token,
            "domain": fleet.domain,
            "allowInternetAccess": record.allow_internet_access,
            "lifecycle": {
                "autoResume": record.auto_resume,
                "onTimeout": "pause" if record.auto_pause else "kill",
            },
        }
    )


async def list_sandboxes(request: Request, fleet: Fleet) -> Response:
    """Newest first unless asked otherwise; the token for the next page is where this one ended."""
    query = request.query_params
    wanted = [sandbox for sandbox in fleet.all() if _fits(sandbox, query.get("metadata"), query.get("state"))]
    rising = query.get("order") == "asc"
    wanted.sort(key=_place, reverse=not rising)
    if token := query.get("nextToken"):
        after = _place_of(token)
        wanted = [
            sandbox for sandbox in wanted if (_place(sandbox) > after if rising else _place(sandbox) < after)
        ]
    limit = _limit(query.get("limit"))
    page = wanted[:limit]
    headers = {"x-next-token": _token(page[-1])} if len(wanted) > limit else {}
    return JSONResponse([_listed(sandbox, fleet) for sandbox in page], headers=headers)


async def health(request: Request, fleet: Fleet) -> Response:
    return JSONResponse(fleet.holding.facts())


async def steer(request: Request, faults: Faults) -> Response:
    """What fails next; replies with all that still waits."""
    if request.method == "DELETE":
        faults.clear()
    elif request.method == "POST":
        try:
            faults.add([Fault.parse(fault) for fault in await request.json()])
        except ValueError as error:
            raise InvalidArgument(str(error)) from error
    return JSONResponse(faults.to_json())


def create_control_plane(fleet: Fleet, key: str, faults: Faults) -> Starlette:
    async def steer_faults(request: Request, fleet: Fleet) -> Response:
        return await steer(request, faults)

    def guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            if handler is not health and not _has_key(request, key):
                return _error(401, "the X-API-KEY header does not hold this server's key")
            try:
                return await handler(request, fleet)
            except SandboxError as error:
                return _error(error.status, sentence(error))

        return respond

    def route(path: str, method: str, handler: Handler) -> Route:
        return Route(path, guarded(handler), methods=method.split())

    return Starlette(
        routes=[
            route("/rehearsal/health", "GET", health),
            route("/rehearsal/faults", "GET POST DELETE", steer_faults),
            route("/v2/sandboxes", "POST", create),
            route("/v2/sandboxes", "GET", list_sandboxes),
            route("/v2/sandboxes/{id}/connect", "POST", connect),
            route("/sandboxes/{id}/pause", "POST", pause),
            route("/sandboxes/{id}/timeout", "POST", set_timeout),
            route("/sandboxes/{id}", "DELETE", kill),
            route("/sandboxes/{id}", "GET", detail),
        ]
    )


def _has_key(request: Request, key: str) -> bool:
    return secrets.compare_digest(request.headers.get("x-api-key", "").encode(), key.encode())


def _error(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message}, status)


def _named(request: Request, fleet: Fleet) -> Sandbox:
    return fleet.get(request.path_params["id"])


def _started(sandbox: Sandbox, fleet: Fleet) -> dict[str, Any]:
    return {
        "templateID": sandbox.record.template,
        "sandboxID": sandbox.id,
        "clientID": CLIENT_ID,
        "envdVersion": ENVD_VERSION,
        "envdAccessToken": sandbox.record.access_token,
        "domain": fleet.domain,
    }


def _listed(sandbox: Sandbox, fleet: Fleet) -> dict[str, Any]:
    record = sandbox.record
    return {
        "templateID": record.template,
        "sandboxID": record.id,
        "clientID": CLIENT_ID,
        "startedAt": record.started_at,
        "endAt": record.end_at,
        "cpuCount": CPUS,
        "memoryMB": fleet.limits.memory // MIB,
        "diskSizeMB": fleet.limits.disk // MIB,
        "state": record.state,
        "envdVersion": ENVD_VERSION,
        "metadata": record.metadata,
    }


def _fits(sandbox: Sandbox, metadata: str | None, states: str | None) -> bool:
    # The SDK quotes names and values, then encodes the result once more.
    wanted = {unquote(name): unquote(value) for name, value in parse_qsl(metadata or "")}
    if states and sandbox.record.state not in states.split(","):
        return False
    return wanted.items() <= sandbox.record.metadata.items()


def _place(sandbox: Sandbox) -> tuple[str, str]:
    return sandbox.record.started_at, sandbox.id


def _token(sandbox: Sandbox) -> str:
    return base64.urlsafe_b64encode(json.dumps(_place(sandbox)).encode()).decode()


def _place_of(token: str) -> tuple[str, str]:
    try:
        started_at, sandbox_id = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise InvalidArgument("nextToken is not one of ours") from error
    return str(started_at), str(sandbox_id)


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not text.isdigit() or not 1 <= int(text) <= PAGE:
        raise InvalidArgument(f"limit must be between 1 and {PAGE}")
    return int(text)
