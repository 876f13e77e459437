"""What the rehearsal E2B answers to requests the SDK would not send."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.rehearsal.e2b_server import E2BServer, serve

pytestmark = pytest.mark.services

KEY = {"X-API-KEY": "a key"}


async def send(server: E2BServer, method: str, path: str, **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.request(method, path, **request)


@pytest.mark.parametrize("path", ["/v2/sandboxes", "/sandboxes/inone"])
async def test_without_a_key_nothing_is_told(plain_server: E2BServer, path: str) -> None:
    assert (await send(plain_server, "GET", path)).status_code == 401
    assert (await send(plain_server, "GET", path, headers={"X-API-KEY": ""})).status_code == 401


async def test_a_wrong_access_token_is_refused(plain_server: E2BServer) -> None:
    sandbox = await plain_server.sandboxes.create()
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": "wrong"}
    for path in ("/files?path=a", "/process.Process/List", "/filesystem.Filesystem/Stat"):
        method = "GET" if path.startswith("/files?") else "POST"
        assert (await send(plain_server, method, path, headers=headers, json={})).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b'{"templateID": 5}',
        b'{"templateID": "base", "timeout": -1}',
        b'{"templateID": "base", "timeout": "5"}',
        b'{"templateID": "base", "metadata": {"a": 1}}',
        b'{"templateID": "base", "envVars": ["a"]}',
    ],
)
async def test_a_bad_request_makes_no_sandbox(plain_server: E2BServer, body: bytes) -> None:
    response = await send(plain_server, "POST", "/v2/sandboxes", content=body, headers=KEY)
    assert response.status_code == 400
    assert response.json()["message"]
    assert (await send(plain_server, "GET", "/v2/sandboxes", headers=KEY)).json() == []


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1000", "nextToken=%21"])
async def test_a_bad_page_is_refused(plain_server: E2BServer, query: str) -> None:
    assert (await send(plain_server, "GET", f"/v2/sandboxes?{query}", headers=KEY)).status_code == 400


async def test_what_is_unknown_is_not_found(plain_server: E2BServer) -> None:
    for method, path in (
        ("GET", "/sandboxes/inone"),
        ("DELETE", "/sandboxes/inone"),
        ("POST", "/sandboxes/inone/pause"),
        ("POST", "/sandboxes/inone/timeout"),
        ("POST", "/v2/sandboxes/inone/connect"),
    ):
        assert (await send(plain_server, method, path, headers=KEY)).status_code == 404


async def test_a_paused_sandbox_takes_no_new_timeout(plain_server: E2BServer) -> None:
    sandbox = await plain_server.sandboxes.create()
    await sandbox.pause()
    path = f"/sandboxes/{sandbox.sandbox_id}/timeout"
    assert (await send(plain_server, "POST", path, headers=KEY, json={"timeout": 5})).status_code == 404


async def test_broken_envelopes_are_refused_in_the_stream(plain_server: E2BServer) -> None:
    sandbox = await plain_server.sandboxes.create()
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": sandbox._envd_access_token}
    for content in (b"", b"\0\0\0\0\5nojso", b"\0\0\0\0\2{}"):
        response = await send(
            plain_server, "POST", "/process.Process/Start", headers=headers, content=content
        )
        assert response.status_code == 200
        assert b"invalid_argument" in response.content


async def test_a_command_too_long_for_the_system_is_refused(plain_server: E2BServer) -> None:
    sandbox = await plain_server.sandboxes.create()
    for length in (200_000, 2_000_000):
        with pytest.raises(Exception, match="too long"):
            await sandbox.commands.run("#" * length)
    assert (await sandbox.commands.run("echo fine")).stdout == "fine\n"


async def test_health_needs_no_key_and_tells_of_confinement(plain_server: E2BServer) -> None:
    health = await plain_server.health()
    assert health["confined"] is False
    assert health["reason"]


async def test_without_bubblewrap_health_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with serve(tmp_path) as server:
        assert await server.health() == {
            "confined": False,
            "mode": "unconfined",
            "reason": "bubblewrap (bwrap) is not installed",
        }
