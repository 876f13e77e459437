import asyncio
import re
import uuid

import pytest

from agents.output import as_a_terminal_shows
from agents.sandbox.workspace import Workspace
from agents.turns import Replay, ToolCall, ToolResult
from tests.agents.conftest import OpenWorkspace
from tests.agents.tools.test_files import Caller, text

pytestmark = pytest.mark.services


@pytest.fixture
def call(workspace: Workspace) -> Caller:
    return Caller(workspace)


async def test_the_output_ends_with_the_exit_code(call: Caller) -> None:
    result = await call("bash", command="echo hello; echo there >&2")
    assert text(result) == "hello\nthere\n[exit 0]"
    assert (result.label, result.exit_code, result.is_error) == (
        "Ran: echo hello; echo there >&2",
        0,
        False,
    )


@pytest.mark.parametrize(
    ("command", "exit_code", "error_type"),
    [
        ("exit 3", 3, "command_failed"),
        ("no-such-program", 127, "command_not_found"),
        ("touch f; ./f", 126, "command_not_found"),
        ("sleep 30", 124, "timeout"),
        ("kill -SEGV $$", 139, "command_failed"),
    ],
)
async def test_a_command_that_fails_is_a_failure(
    call: Caller, command: str, exit_code: int, error_type: str
) -> None:
    result = await call("bash", command=command, timeout=2)
    assert result.is_error
    assert (result.exit_code, result.error_type) == (exit_code, error_type)
    assert text(result).endswith(f"[exit {exit_code}]")


async def test_long_output_keeps_its_lines_its_beginning_and_its_end(call: Caller) -> None:
    shown = text(await call("bash", command="seq 100000"))
    assert len(shown) < 31_000
    assert shown.startswith("1\n2\n3\n")
    assert shown.endswith("\n99999\n100000\n[exit 0]")
    assert "left out …]\n" in shown


async def test_the_feeds_excerpt_is_at_most_4_kb(call: Caller) -> None:
    result = await call("bash", command="for i in {1..3000}; do echo ünï; done")
    assert len(result.excerpt.encode()) <= 4096
    assert result.excerpt.endswith("[exit 0]")


async def test_secrets_never_come_back(open_workspace: OpenWorkspace) -> None:
    workspace = await open_workspace(envs={"API_KEY": 'sk-"quoted" 1234', "PASSWORD": "hunter2-hunter2"})
    call = Caller(workspace)
    command = 'echo "$API_KEY"; printf %s "$API_KEY" | base64; echo hunter2-hunter2'
    result = await call("bash", command=command)
    assert text(result) == "[secret]\n[secret]\n[secret]\n[exit 0]"
    assert "hunter2" not in result.label + result.excerpt
    assert "hunter2" not in call.toolbox.label(ToolCall("1", "bash", {"command": command}))


async def test_a_server_in_the_background_is_reached_by_the_next_command(call: Caller) -> None:
    started = await call("bash", command="python3 -m http.server 8123", background=True)
    assert "/home/user/.cofounder/logs/" in text(started)
    answer = await call(
        "bash",
        command="for i in {1..100}; do curl -so /dev/null localhost:8123 && echo up && break; "
        "python3 -c 'import urllib.request as u; u.urlopen(\"http://localhost:8123\")' 2>/dev/null"
        " && echo up && break; sleep 0.1; done",
    )
    assert text(answer) == "up\n[exit 0]"


async def test_commands_have_no_keyboard_input(call: Caller) -> None:
    assert text(await call("bash", command="cat; echo done", timeout=5)) == "done\n[exit 0]"


async def test_cancelling_a_call_ends_its_command(call: Caller, workspace: Workspace) -> None:
    task = asyncio.create_task(call("bash", command="sleep 2; touch late"))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(2)
    assert (await workspace.look("late")).kind == ""


def test_colours_and_progress_bars_are_left_out() -> None:
    shown = as_a_terminal_shows("\x1b[1;31mred\x1b[0m\r\n 10%\r 50%\r100%\n\x1b]0;title\x07end\r")
    assert shown == "red\n100%\nend\r"


def test_bash_is_not_run_again_on_resume(call: Caller) -> None:
    assert call.toolbox.replay("bash") == Replay.REPORT
    assert call.toolbox.replay("write_file") == Replay.RUN_AGAIN


async def test_what_runs_in_the_background_is_listed_and_ended(call: Caller, workspace: Workspace) -> None:
    assert text(await call("bash", command="background")) == "Nothing is running in the background.\n[exit 0]"
    server = await call("bash", command="python3 -m http.server 8124", background=True)
    ticker = await call("bash", command="(while :; do date > tick; sleep 0.1; done) & wait", background=True)
    names = [name_of(started) for started in (server, ticker)]
    listed = await until_listed(call, *names)
    assert "http.server 8124" in listed
    ended = await call("bash", command=f"background end {names[1]}")
    assert text(ended) == f"Ended {names[1]}.\n[exit 0]"
    assert names[1] not in text(await call("bash", command="background"))
    ticks = await call("bash", command="cat tick > before; sleep 1.2; cmp tick before && echo still")
    assert "still" in text(ticks)
    assert await workspace.is_alive(names[0])


def name_of(started: ToolResult) -> str:
    found = re.search(r"background as (\S+)\.", text(started))
    assert found is not None
    return found.group(1)


async def until_listed(call: Caller, *names: str) -> str:
    for _ in range(100):
        listed = text(await call("bash", command="background"))
        if all(name in listed for name in names):
            return listed
    pytest.fail(listed)


async def test_what_a_finished_command_left_running_is_listed_too(call: Caller) -> None:
    await call("bash", command="sleep 300 > /dev/null 2>&1 &")
    listed = text(await call("bash", command="background"))
    assert "left by a command that has ended" in listed
    await call("bash", command=f"background end {listed.split()[0]}")
    assert text(await call("bash", command="background")).startswith("Nothing is running")


@pytest.mark.parametrize("name", ["nothing", "../owner", ""])
async def test_only_what_is_listed_can_be_ended(call: Caller, name: str) -> None:
    result = await call("bash", command=f"background end '{name}'")
    assert result.exit_code == 1
    assert "There is nothing called" in text(result)


SERVER = "python3 -u -m http.server {port}"


async def test_a_named_command_is_waited_for_until_it_listens(call: Caller) -> None:
    slow = f"sleep 0.5; exec {SERVER.format(port=8125)}"
    started = await call("bash", command=slow, background="server", wait_for_port=8125)
    assert (started.is_error, started.exit_code) == (False, 0)
    assert "It listens on port 8125, after" in text(started)
    assert "exited" not in text(await call("bash", command="curl -s localhost:8125; background log server"))
    listed = text(await call("bash", command="background"))
    assert listed.startswith("server  ")


async def test_a_log_is_read_on_from_where_the_last_answer_stopped(
    call: Caller, workspace: Workspace
) -> None:
    command = "echo one; until [ -e go ]; do sleep 0.05; done; printf 'two\\nthree'; exit 3"
    await call("bash", command=command, background="work")
    first = await call("bash", command="sleep 0.3; background log work")
    assert re.fullmatch(r"one\n\n\[running for \d+ s; log read to byte 4 of 4\]\n\[exit 0\]", text(first))
    await workspace.write("go", b"")
    ended = text(await call("bash", command="background wait work 20"))
    assert ended.endswith("[exited with 3; log read to byte 13 of 13]\n[exit 0]")
    rest = text(await call("bash", command="background log work 4"))
    assert rest == "two\nthree\n[exited with 3; log read to byte 13 of 13]\n[exit 0]"


async def test_one_that_ends_before_it_listens_is_a_failure_with_its_log(call: Caller) -> None:
    failed = await call("bash", command="echo no module; exit 5", background="server", wait_for_port=8126)
    assert (failed.is_error, failed.error_type) == (True, "command_failed")
    assert text(failed).startswith("no module\n")
    assert "The command exited with 5" in text(failed)
    late = await call("bash", command="sleep 60", background="late", wait_for_port=8126, timeout=1)
    assert (late.error_type, "is running for" in text(late)) == ("timeout", True)


async def test_a_name_and_a_port_are_taken_by_one_command_at_a_time(call: Caller) -> None:
    server = {"command": SERVER.format(port=8127), "wait_for_port": 8127}
    assert not (await call("bash", **server, background="server")).is_error
    again = await call("bash", **server, background="server")
    assert again.error_type == "already_running"
    assert "`background end server`" in text(again)
    other = await call("bash", **server, background="other")
    assert "Something listens on port 8127 already" in text(other)
    await call("bash", command="background end server")
    assert "was stopped" in text(await call("bash", command="background log server"))
    assert not (await call("bash", **server, background="server")).is_error


async def test_a_named_command_ends_with_its_worker_and_its_log_stays(open_workspace: OpenWorkspace) -> None:
    job = uuid.uuid4()
    first = await open_workspace(job_id=job)
    await Caller(first)("bash", command="echo hello; sleep 300", background="server")
    await Caller(first)("bash", command="sleep 0.3")
    call = Caller(await open_workspace(job_id=job, epoch=2, sandbox_id=first.sandbox_id))
    shown = text(await call("bash", command="background log server"))
    assert shown.startswith("hello\n")
    assert "[was stopped; log read to byte " in shown


async def test_only_a_background_command_is_waited_for(call: Caller) -> None:
    refused = await call("bash", command="true", wait_for_port=8000)
    assert (refused.error_type, "needs a name" in text(refused)) == ("invalid_input", True)
