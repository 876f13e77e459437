"""envd over HTTP: the SDK's requests to one running sandbox."""

import secrets
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import file_transfer, filesystem_rpc, process_rpc
from .connect_wire import error_response
from .errors import NotFound, NotRunning, SandboxError
from .fleet import Fleet
from .record import DEFAULT_TIMEOUT
from .sandbox import Sandbox

Handler = Callable[[Request, Sandbox], Awaitable[Response]]


async def health(request: Request, sandbox: Sandbox) -> Response:
    return Response(status_code=204)


async def awake(fleet: Fleet, sandbox_id: str) -> Sandbox:
    """The running sandbox with that id; a request wakes a sandbox created to be woken by traffic."""
    try:
        sandbox = fleet.get(sandbox_id)
    except NotFound as error:
        raise NotRunning(str(error)) from error
    if not sandbox.running and sandbox.record.auto_resume:
        await fleet.connect(sandbox, DEFAULT_TIMEOUT, memory=True)
    sandbox.check_running()
    return sandbox


def create_envd(fleet: Fleet) -> Starlette:
    def guarded(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            try:
                sandbox = await awake(fleet, request.headers["e2b-sandbox-id"])
                if handler is not health and not _has_token(request, sandbox):
                    return JSONResponse(
                        {"code": "unauthenticated", "message": "the access token does not fit the sandbox"},
                        401,
                    )
                return await handler(request, sandbox)
            except SandboxError as error:
                return error_response(error)

        return respond

    return Starlette(
        routes=[
            Route("/health", guarded(health)),
            Route("/files", guarded(file_transfer.download)),
            Route("/files", guarded(file_transfer.upload), methods=["POST"]),
            Route("/process.Process/{method}", guarded(process_rpc.serve), methods=["POST"]),
            Route("/filesystem.Filesystem/{method}", guarded(filesystem_rpc.serve), methods=["POST"]),
        ]
    )


def _has_token(request: Request, sandbox: Sandbox) -> bool:
    return secrets.compare_digest(request.headers.get("x-access-token", ""), sandbox.record.access_token)
