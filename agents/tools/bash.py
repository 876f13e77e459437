"""Runs a shell command."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from agents.beside import beside
from agents.output import as_a_terminal_shows
from agents.sandbox.workspace import CommandResult, Workspace
from agents.tools.tool import Input, Outcome, Tool, shorten
from agents.turns import Replay, ToolFailure

UNNAMED = "unnamed"  # `background: true`, as models are used to
LONGEST_WAIT = 240  # seconds, for a port
STARTED = """\
Started in the background as {name}. Its output goes to {log}
{heard}`background log {name}` shows it, and what has become of the command; `background end {name}` stops it.
[exit 0]"""
NOT_LISTENING = """\
{log}
[Nothing listens on port {port} after {seconds} s. The command {state}; its log ends as above.]"""


class Bash(Input):
    command: str = Field(min_length=1, max_length=30_000, description="Run by bash, from the workspace.")
    timeout: int = Field(
        default=120,
        ge=1,
        le=600,
        description="Seconds after which it is stopped; with wait_for_port, how long to wait.",
    )
    background: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,29}$|^$",
        description="Start it under this name (e.g. server) and return at once: for all that keeps running.",
    )
    wait_for_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="With background: return when it listens on this port, or say why it does not.",
    )

    @field_validator("background", mode="before")
    @classmethod
    def _may_be_a_flag(cls, value: object) -> object:
        return {True: UNNAMED, False: ""}.get(value, value) if isinstance(value, bool) else value

    @model_validator(mode="after")
    def _only_the_background_is_waited_for(self) -> Self:
        if self.wait_for_port and not self.background:
            raise ValueError("wait_for_port needs a name in background")
        return self


async def run(args: Bash, workspace: Workspace) -> Outcome:
    if "\0" in args.command:
        raise ToolFailure("invalid_input", "A command cannot contain a NUL character.")
    if args.background:
        return await _started(args, workspace)
    result = await workspace.run(args.command, timeout=args.timeout)
    text = await beside(_text, result, args.timeout)
    label = f"Ran: {shorten(args.command)}"
    return Outcome(text, label, _error_type(result), result.exit_code, changed_files=True)


async def _started(args: Bash, workspace: Workspace) -> Outcome:
    name = "" if args.background == UNNAMED else args.background
    result = await workspace.run(args.command, background=True, name=name, port=args.wait_for_port)
    name = name or result.group
    label, heard = f"Started: {shorten(args.command)}", ""
    if args.wait_for_port:
        port, most = args.wait_for_port, min(args.timeout, LONGEST_WAIT)
        answer = await workspace.wait_for_port(result.group, port, most)
        if answer.seconds is None:
            is_late = answer.state.startswith("running")
            log = as_a_terminal_shows(answer.log).rstrip() or "[The log is empty.]"
            state = f"is {answer.state}" if is_late else answer.state
            text = NOT_LISTENING.format(log=log, port=port, seconds=most, state=state)
            return Outcome(text, label, "timeout" if is_late else "command_failed", changed_files=True)
        heard = f"It listens on port {port}, after {answer.seconds} s.\n"
    text = STARTED.format(name=name, log=result.log, heard=heard)
    return Outcome(text, label, exit_code=0, changed_files=True)


def _error_type(result: CommandResult) -> str:
    if result.timed_out:
        return "timeout"
    if result.exit_code in (126, 127):
        return "command_not_found"
    return "command_failed" if result.exit_code else ""


def _text(result: CommandResult, timeout: int) -> str:
    output = as_a_terminal_shows(result.output)
    if output and not output.endswith("\n"):
        output += "\n"
    if result.timed_out:
        output += (
            f"[Not finished after {timeout} s: the command and everything it started were stopped. "
            "Use background for commands that keep running or take long.]\n"
        )
    return f"{output}[exit {result.exit_code}]"


TOOL = Tool(
    name="bash",
    description=(
        "Run a command with bash in the workspace. You get its output, and its exit code on the last line. "
        "Each call is a new shell: directory changes and variables do not carry over. There is no terminal "
        "and no standard input. Give servers, and whatever takes longer than ten minutes, a name with "
        "background. Then these commands are there for bash: `background` lists what is running; "
        "`background log NAME` shows the end of its log, whether it runs or with what it exited, and up to "
        "which byte you have read; `background log NAME BYTE` reads on from there; `background wait NAME "
        "SECONDS` waits until it has ended; `background end NAME` stops it with all that it started."
    ),
    input=Bash,
    replay=Replay.REPORT,
    doing=lambda args: f"Running {args.command}",
    run=run,
)
