"""Runs a shell command."""

from pydantic import Field

from agents.beside import beside
from agents.output import as_a_terminal_shows
from agents.sandbox.workspace import CommandResult, Workspace
from agents.tools.tool import Input, Outcome, Tool, shorten
from agents.turns import Replay, ToolFailure

STARTED = """\
Started in the background as {name}. Its output goes to {log}
`background` lists what is running; `background end {name}` stops this command.
[exit 0]"""


class Bash(Input):
    command: str = Field(min_length=1, max_length=30_000, description="Run by bash, from the workspace.")
    timeout: int = Field(default=120, ge=1, le=600, description="Seconds after which it is stopped.")
    background: bool = Field(
        default=False, description="Start it and return at once: for servers and all else that keeps running."
    )


async def run(args: Bash, workspace: Workspace) -> Outcome:
    if "\0" in args.command:
        raise ToolFailure("invalid_input", "A command cannot contain a NUL character.")
    result = await workspace.run(args.command, timeout=args.timeout, background=args.background)
    label = f"Ran: {shorten(args.command)}"
    if args.background:
        started = STARTED.format(name=result.group, log=result.log)
        return Outcome(started, f"Started: {shorten(args.command)}", exit_code=0, changed_files=True)
    text = await beside(_text, result, args.timeout)
    return Outcome(text, label, _error_type(result), result.exit_code, changed_files=True)


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
            "Use background: true for commands that keep running.]\n"
        )
    return f"{output}[exit {result.exit_code}]"


TOOL = Tool(
    name="bash",
    description=(
        "Run a command with bash in the workspace. You get its output, and its exit code on the last line. "
        "Each call is a new shell: directory changes and variables do not carry over. There is no terminal "
        "and no standard input. Start servers with background: true; the command `background` lists what is "
        "running, and `background end NAME` stops it."
    ),
    input=Bash,
    replay=Replay.REPORT,
    doing=lambda args: f"Running {args.command}",
    run=run,
)
