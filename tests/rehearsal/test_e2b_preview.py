"""Previews: what runs inside a sandbox, requested through its host name."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.rehearsal.e2b_server import E2BServer, eventually

pytestmark = pytest.mark.services

ECHO = """
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers), "size": len(body)}
        answer = json.dumps(told).encode()
        self.send_response(201)
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Keep-Alive", "timeout=5")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *args):
        pass

ThreadingHTTPServer(("0.0.0.0", 8000), Echo).serve_forever()
"""


async def serve_page(sandbox: Any, text: str, port: int = 8000) -> None:
    await sandbox.files.write("/home/user/app/index.html", text)
    command = f"python3 -m http.server {port}"
    await sandbox.commands.run(command, background=True, timeout=0, cwd="/home/user/app")


async def answered(server: E2BServer, host: str, path: str = "/") -> httpx.Response:
    """The first answer of the app itself."""

    async def ask() -> httpx.Response | None:
        response = await server.preview(host, path)
        return response if response.status_code != 502 else None

    response = await eventually(ask)
    assert isinstance(response, httpx.Response)
    return response


async def test_an_app_in_the_background_is_shown(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    await serve_page(sandbox, "<h1>Grüße</h1>")
    response = await answered(server, sandbox.get_host(8000))
    assert (response.status_code, response.text) == (200, "<h1>Grüße</h1>")
    assert (await server.preview(sandbox.get_host(8000), "/none")).status_code == 404


async def test_two_sandboxes_use_the_same_port(server: E2BServer) -> None:
    first, second = await asyncio.gather(*(server.sandboxes.create() for _ in range(2)))
    await serve_page(first, "first")
    await serve_page(second, "second")
    assert (await answered(server, first.get_host(8000))).text == "first"
    assert (await answered(server, second.get_host(8000))).text == "second"


async def test_headers_cookies_query_and_body_pass_through(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    host = sandbox.get_host(8000)
    await sandbox.files.write("/home/user/echo.py", ECHO)
    await sandbox.commands.run("python3 echo.py", background=True, timeout=0)
    await answered(server, host)
    headers = {"Cookie": "session=42", "Connection": "X-Private", "X-Private": "1", "E2b-Sandbox-Id": "other"}
    response = await server.preview(
        host, "/a%20b?q=%C3%BC", method="POST", content=b"x" * 300_000, headers=headers
    )
    told = response.json()
    assert response.status_code == 201
    assert (told["method"], told["path"], told["size"]) == ("POST", "/a%20b?q=%C3%BC", 300_000)
    assert (told["headers"]["cookie"], told["headers"]["host"]) == ("session=42", host)
    assert "x-private" not in told["headers"]
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert "keep-alive" not in response.headers


async def test_a_large_answer_streams_through(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    await serve_page(sandbox, "page")
    await sandbox.commands.run("head -c 5000000 /dev/urandom > app/big; sha256sum app/big > app/sum")
    await answered(server, sandbox.get_host(8000))
    response = await server.preview(sandbox.get_host(8000), "/big")
    assert len(response.content) == 5_000_000


async def test_without_an_app_a_calm_page_says_so(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    for _ in range(2):
        response = await server.preview(sandbox.get_host(1))
        assert response.status_code == 502
        assert "Nothing answers on port 1" in response.text
        await sandbox.commands.run("true")


async def test_a_sleeping_or_gone_sandbox_has_no_preview(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    host = sandbox.get_host(8000)
    await serve_page(sandbox, "awake")
    await answered(server, host)
    await sandbox.pause()
    asleep = await server.preview(host)
    assert (asleep.status_code, "asleep" in asleep.text) == (502, True)
    await sandbox.connect()
    assert (await answered(server, host)).text == "awake"
    await sandbox.kill()
    assert (await server.preview(host)).status_code == 502


async def test_an_app_that_hangs_up_is_no_answer(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    listen = "import socket; s = socket.create_server(('', 8000))\nwhile True: s.accept()[0].close()"
    await sandbox.files.write("/home/user/rude.py", listen)
    await sandbox.commands.run("touch up; python3 rude.py", background=True, timeout=0)
    await eventually(lambda: sandbox.files.exists("/home/user/up"))
    assert (await server.preview(sandbox.get_host(8000))).status_code == 502
