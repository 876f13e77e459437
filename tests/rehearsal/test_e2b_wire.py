"""What the rehearsal E2B answers to requests the SDK would not send."""

import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from rehearsal.e2b_api.key import kept_key
from rehearsal.e2b_api.limits import MIB, Limits
from tests.rehearsal.e2b_server import E2BServer, serve

pytestmark = pytest.mark.services


def key_of(server: E2BServer) -> dict[str, str]:
    return {"X-API-KEY": kept_key(server.data_dir)}


async def send(server: E2BServer, method: str, path: str, **request: Any) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.request(method, path, **request)


@pytest.mark.parametrize("path", ["/v2/sandboxes", "/sandboxes/inone"])
async def test_without_its_own_key_nothing_is_told(server: E2BServer, path: str) -> None:
    assert (await send(server, "GET", path)).status_code == 401
    for wrong in ("", "a key", kept_key(server.data_dir)[:-1], "\u00e9"):
        headers = {"X-API-KEY": wrong.encode()}
        assert (await send(server, "GET", path, headers=headers)).status_code == 401


async def test_a_wrong_access_token_is_refused(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": "wrong"}
    for path in ("/files?path=a", "/process.Process/List", "/filesystem.Filesystem/Stat"):
        method = "GET" if path.startswith("/files?") else "POST"
        assert (await send(server, method, path, headers=headers, json={})).status_code == 401


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
async def test_a_bad_request_makes_no_sandbox(server: E2BServer, body: bytes) -> None:
    response = await send(server, "POST", "/v2/sandboxes", content=body, headers=key_of(server))
    assert response.status_code == 400
    assert response.json()["message"]
    assert (await send(server, "GET", "/v2/sandboxes", headers=key_of(server))).json() == []


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1000", "nextToken=%21"])
async def test_a_bad_page_is_refused(server: E2BServer, query: str) -> None:
    assert (await send(server, "GET", f"/v2/sandboxes?{query}", headers=key_of(server))).status_code == 400


async def test_what_is_unknown_is_not_found(server: E2BServer) -> None:
    for method, path in (
        ("GET", "/sandboxes/inone"),
        ("DELETE", "/sandboxes/inone"),
        ("POST", "/sandboxes/inone/pause"),
        ("POST", "/sandboxes/inone/timeout"),
        ("POST", "/v2/sandboxes/inone/connect"),
    ):
        assert (await send(server, method, path, headers=key_of(server))).status_code == 404


async def test_a_paused_sandbox_takes_no_new_timeout(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    await sandbox.pause()
    path = f"/sandboxes/{sandbox.sandbox_id}/timeout"
    assert (await send(server, "POST", path, headers=key_of(server), json={"timeout": 5})).status_code == 404


async def test_broken_envelopes_are_refused_in_the_stream(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    headers = {"E2b-Sandbox-Id": sandbox.sandbox_id, "X-Access-Token": sandbox._envd_access_token}
    for content in (b"", b"\0\0\0\0\5nojso", b"\0\0\0\0\2{}"):
        response = await send(server, "POST", "/process.Process/Start", headers=headers, content=content)
        assert response.status_code == 200
        assert b"invalid_argument" in response.content


async def test_a_command_too_long_for_the_system_is_refused(server: E2BServer) -> None:
    sandbox = await server.sandboxes.create()
    for length in (200_000, 2_000_000):
        with pytest.raises(Exception, match="too long"):
            await sandbox.commands.run("#" * length)
    assert (await sandbox.commands.run("echo fine")).stdout == "fine\n"


async def test_the_key_is_kept_and_is_readable_for_its_user_alone(tmp_path: Path) -> None:
    async with serve(tmp_path) as server:
        first = key_of(server)
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    async with serve(tmp_path) as server:
        assert key_of(server) == first
        assert (await send(server, "GET", "/v2/sandboxes", headers=first)).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1", "8000-evil.localhost"]
)
async def test_a_name_that_was_made_to_lead_here_is_not_answered(server: E2BServer, name: str) -> None:
    sandbox = await server.sandboxes.create()
    doors = {
        "/v2/sandboxes": key_of(server),
        "/rehearsal/health": {},
        "/health": {"E2b-Sandbox-Id": sandbox.sandbox_id},
    }
    for path, headers in doors.items():
        assert (await send(server, "GET", path, headers={**headers, "Host": name})).status_code == 421
    ours = {**key_of(server), "Host": f"localhost:{server.port}"}
    assert (await send(server, "GET", "/v2/sandboxes", headers=ours)).status_code == 200


async def test_health_needs_no_key_and_says_what_holds(server: E2BServer) -> None:
    health = await server.health()
    assert health["confined"] is True
    assert Path(health["bubblewrap"]).name == "bwrap"
    assert (
        health["sentence"] == "Commands run in the local sandbox: confined on this machine, without network."
    )
    assert (health["seccomp"], health["user_namespaces"], health["network"]) == (True, "closed", "none")
    assert health["limits"]["memory_mb"] == 2048


async def test_sandboxes_say_what_they_may_use(tmp_path: Path) -> None:
    async with serve(tmp_path, limits=Limits(memory=512 * MIB, disk=100 * MIB)) as server:
        await server.need_confinement()
        sandbox = await server.sandboxes.create()
        info = await server.sandboxes.get_info(sandbox.sandbox_id)
    assert (info.cpu_count, info.memory_mb) == (2, 512)
