"""What the sandbox's provider may answer, and what it means for us; the real SDK asks."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from agents import errors
from agents.errors import AgentError, said_by
from agents.sandbox import provider
from agents.sandbox.workspace import Workspace
from tests.agents.conftest import KEY

pytestmark = pytest.mark.services

AWAY, BUSY, LIMIT = errors.SandboxUnreachable, errors.SandboxBusy, errors.SandboxLimit
REQUEST, REFUSED = errors.SandboxRequestRefused, errors.SandboxRefused
FORBIDDEN, GONE, UNSAFE = errors.SandboxForbidden, errors.SandboxGone, errors.SandboxUnsafe

Steer = Callable[..., Awaitable[None]]

OF_THE_CONTROL_PLANE: dict[str, type[AgentError]] = {
    "bad_request": REQUEST,
    "max_length": REQUEST,
    "unauthorized": REFUSED,
    "forbidden": FORBIDDEN,
    "timed_out": AWAY,
    "changing_state": AWAY,
    "rate_limited": LIMIT,
    "server_error": AWAY,
    "no_confinement": UNSAFE,
    "bad_gateway": AWAY,
    "busy": BUSY,
    "gateway_timeout": AWAY,
}
# The answers that a call reads: what follows it needs them.
UNREADABLE: dict[str, type[AgentError]] = {"not_json": AWAY, "not_whole": AWAY, "torn": AWAY}
OF_ENVD: dict[str, type[AgentError]] = {
    "bad_request": errors.NotDone,
    "unauthorized": AWAY,  # a new connection brings a new token
    "forbidden": errors.NotDone,
    "rate_limited": BUSY,
    "server_error": errors.NotDone,
    "bad_gateway": AWAY,
    "torn": AWAY,
}
OF_COMMANDS = {**OF_ENVD, "gone": GONE, "busy": AWAY, "gateway_timeout": AWAY, "timed_out": AWAY, "cut": AWAY}


@pytest.fixture
async def steer(e2b: str) -> AsyncIterator[Steer]:
    """Lets the provider's next requests fail in this way alone."""
    async with httpx.AsyncClient(base_url=e2b, headers={"X-API-KEY": KEY}) as client:

        async def steer_(**fault: Any) -> None:
            await client.delete("/rehearsal/faults")
            faults = [{"times": 9, "retry": False, **fault}]
            (await client.post("/rehearsal/faults", json=faults)).raise_for_status()

        yield steer_
        await client.delete("/rehearsal/faults")


@pytest.mark.parametrize("on", ["create", "connect", "timeout", "pause", "kill", "list"])
async def test_each_refusal_of_the_control_plane_is_an_error_of_ours(
    on: str, workspace: Workspace, steer: Steer
) -> None:
    asked: dict[str, Callable[[], Any]] = {
        "create": lambda: provider.create("project", "job", predecessor=""),
        "connect": lambda: provider.connect(workspace.sandbox_id),
        "timeout": workspace.extend,
        "pause": workspace.pause,
        "kill": lambda: provider.kill(workspace.sandbox_id),
        "list": provider.found,
    }
    is_read = on in ("create", "connect", "list")
    for kind, expected in {**OF_THE_CONTROL_PLANE, **(UNREADABLE if is_read else {})}.items():
        if (on, kind) in (("pause", "changing_state"), ("list", "not_whole")):
            continue  # it is paused already; a list has other fields
        await steer(kind=kind, on=on)
        with pytest.raises(AgentError) as caught:
            await asked[on]()
        assert (kind, type(caught.value)) == (kind, expected)
        assert said_by(caught.value) != str(caught.value)  # the provider's words are for the operator
        assert str(caught.value) == expected.__doc__


@pytest.mark.parametrize("kind", ["not_found", "gone"])
async def test_a_sandbox_that_is_not_there_any_more_is_no_error(
    kind: str, workspace: Workspace, steer: Steer
) -> None:
    await steer(kind=kind)
    assert await provider.connect(workspace.sandbox_id) is None
    await provider.kill(workspace.sandbox_id)
    await workspace.kill()
    with pytest.raises(GONE):
        await workspace.extend()


async def test_a_template_that_is_not_found_is_for_the_operator(steer: Steer) -> None:
    await steer(kind="not_found", on="create")
    with pytest.raises(REQUEST):
        await provider.create("project", "job", predecessor="")


async def test_a_sandbox_that_has_lived_as_long_as_any_may_begins_a_new_life(
    workspace: Workspace, steer: Steer
) -> None:
    await workspace.write("kept", b"1")
    await steer(kind="max_length", on="connect", times=1)
    again = await provider.connect(workspace.sandbox_id)
    assert again is not None
    assert await workspace.read("kept") == b"1"


async def test_each_fault_of_a_command_is_an_error_of_ours(workspace: Workspace, steer: Steer) -> None:
    for kind, expected in OF_COMMANDS.items():
        await steer(kind=kind, on="process")
        with pytest.raises(AgentError) as caught:
            await workspace.run("echo hi")
        assert (kind, type(caught.value)) == (kind, expected)


async def test_each_fault_of_a_transfer_is_an_error_of_ours(workspace: Workspace, steer: Steer) -> None:
    await workspace.write("a", b"1")
    for kind, expected in OF_ENVD.items():
        await steer(kind=kind, on="files")
        with pytest.raises(AgentError) as caught:
            await workspace.read("a")
        assert (kind, type(caught.value)) == (kind, expected)
        await steer(kind=kind, on="files")
        with pytest.raises(AgentError) as caught:
            await workspace.write("a", b"2")
        assert (kind, type(caught.value)) == (kind, expected)


@pytest.mark.parametrize(
    "where",
    ["https://127.0.0.1:{port}", "http://nowhere.invalid", "http://127.0.0.1:9"],
    ids=["tls", "dns", "closed"],
)
async def test_a_provider_that_cannot_be_reached_is_away(where: str, e2b: str, settings: Settings) -> None:
    settings.E2B_API_URL = where.format(port=e2b.rpartition(":")[2])
    with pytest.raises(AWAY):
        await provider.create("project", "job", predecessor="")
