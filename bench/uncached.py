"""`python -m bench.uncached URL`: forwards requests to the model without their request for prompt caching.

The product always asks for caching. Measuring the same build without it needs a proxy that removes it.
"""

import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

NOT_OURS = ("host", "content-length", "accept-encoding", "connection")


def create_app(target: str) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=target, timeout=600) as client:
            app.state.client = client
            yield

    return Starlette(routes=[Route("/{path:path}", pass_on, methods=["GET", "POST"])], lifespan=lifespan)


async def pass_on(request: Request) -> StreamingResponse:
    client: httpx.AsyncClient = request.app.state.client
    body = await request.body()
    content = json.dumps(without_caching(json.loads(body))).encode() if body else b""
    headers = {name: value for name, value in request.headers.items() if name not in NOT_OURS}
    url = httpx.URL(path=request.url.path, query=request.url.query.encode())
    outgoing = client.build_request(request.method, url, headers=headers, content=content)
    answer = await client.send(outgoing, stream=True)
    kept = {name: answer.headers[name] for name in ("content-type", "request-id") if name in answer.headers}
    return StreamingResponse(_chunks(answer), answer.status_code, kept)


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for chunk in answer.aiter_raw():
        yield chunk
    await answer.aclose()


def without_caching(value: Any) -> Any:
    """The same JSON without any `cache_control`, at any depth."""
    if isinstance(value, dict):
        return {name: without_caching(part) for name, part in value.items() if name != "cache_control"}
    return [without_caching(part) for part in value] if isinstance(value, list) else value


def main() -> None:
    """Print the listening address as one line of JSON, then forward requests until stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(create_app(sys.argv[1]), log_level="warning"))
        print(json.dumps({"url": f"http://127.0.0.1:{port}"}), flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    main()
