"""All tools together: runs the loop's calls and turns every outcome into a result."""

import time
from typing import Any

from pydantic import ValidationError

from agents.beside import beside
from agents.errors import NotDone, SandboxFull
from agents.output import cut_middle, cut_to_bytes
from agents.sandbox.workspace import Workspace
from agents.tools import (
    ask_founder,
    bash,
    document,
    edit_file,
    glob,
    grep,
    narrate,
    plan,
    read_file,
    take_screenshot,
    use_app,
    write_file,
)
from agents.tools.tool import Input, Outcome, Tool, shorten
from agents.turns import EXCERPT_LIMIT, Replay, ToolCall, ToolFailure, ToolResult, text_block
from jobs.storable import storable

MODULES = (
    read_file,
    write_file,
    edit_file,
    bash,
    grep,
    glob,
    take_screenshot,
    use_app,
    narrate,
    document,
    plan,
    ask_founder,
)
TOOLS: dict[str, Tool[Any]] = {module.TOOL.name: module.TOOL for module in MODULES}
UNREADABLE_INPUT = "its input is not a JSON object. Make the call again with a complete one."
MOST_CHARACTERS = 30_000  # of an answer, for the model


def definitions() -> list[dict[str, Any]]:
    """The tools' definitions for the API, always in the same order and with the same bytes."""
    return [tool.definition() for tool in TOOLS.values()]


def replay(name: str) -> Replay:
    """What to do, on resume, with a call of this tool that has no result."""
    tool = TOOLS.get(name)
    return tool.replay if tool else Replay.RUN_AGAIN  # an unknown tool does nothing


class Toolbox:
    """The tools for one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def definitions(self) -> list[dict[str, Any]]:
        return definitions()

    def replay(self, name: str) -> Replay:
        return replay(name)

    def label(self, call: ToolCall) -> str:
        """The call's label before it runs, in the present tense."""
        try:
            tool, args = _parse(call)
        except ToolFailure:
            return f"Calling {shorten(call.name)}"
        return self._clean(shorten(tool.doing(args)))

    async def run(self, call: ToolCall) -> ToolResult:
        """Run a call. A tool's failure becomes a result; a sandbox that is gone or unreachable raises."""
        started = time.monotonic()
        try:
            tool, args = _parse(call)
            outcome = await tool.run(args, self._workspace)
        except ToolFailure as failure:
            outcome = Outcome(failure.message, f"{self.label(call)}: failed", failure.error_type)
        except SandboxFull as error:
            outcome = Outcome(str(error), f"{self.label(call)}: failed", "disk_full")
        except FileNotFoundError as error:
            outcome = Outcome(f"There is no file {error}.", f"{self.label(call)}: failed", "file_not_found")
        except NotDone as error:
            outcome = Outcome(str(error), f"{self.label(call)}: failed", "sandbox_error")
        return await beside(self._result, call, outcome, int((time.monotonic() - started) * 1000))

    def _result(self, call: ToolCall, outcome: Outcome, duration_ms: int) -> ToolResult:
        text = self._clean(outcome.text)
        return ToolResult(
            call=call,
            label=self._clean(outcome.label),
            content=[text_block(cut_middle(text, MOST_CHARACTERS)), *outcome.images],
            is_error=bool(outcome.error_type),
            error_type=outcome.error_type,
            excerpt=cut_to_bytes(text, EXCERPT_LIMIT),
            exit_code=outcome.exit_code,
            duration_ms=duration_ms,
            image=outcome.image,
            diff=cut_to_bytes(self._clean(outcome.diff), EXCERPT_LIMIT),
            changed_files=outcome.changed_files,
            effects=outcome.effects,
        )

    def _clean(self, text: str) -> str:
        """Without secrets, and without what a database cannot store: NUL and halves of surrogate pairs."""
        return self._workspace.redact(storable(text))


def _parse(call: ToolCall) -> tuple[Tool[Any], Input]:
    tool = TOOLS.get(call.name)
    if tool is None:
        raise ToolFailure("unknown_tool", f"There is no tool {call.name}. The tools are: {', '.join(TOOLS)}.")
    if call.is_unreadable:
        raise ToolFailure("invalid_input", f"{call.name} was not run: {UNREADABLE_INPUT}")
    try:
        return tool, tool.input.model_validate(call.input)
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors(include_url=False)[:5])
        raise ToolFailure("invalid_input", f"The input of {call.name} is not valid. {problems}") from error


def _problem(detail: Any) -> str:
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}." if place else f"{detail['msg']}."
