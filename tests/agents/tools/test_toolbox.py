import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from agents.errors import SandboxGone
from agents.sandbox.provider import kill
from agents.sandbox.workspace import Workspace
from agents.tool_effects import Asked, Documented, Narrated, PlanSet
from agents.tools import Toolbox
from agents.tools.toolbox import TOOLS, definitions, replay
from agents.turns import Replay, ToolCall
from tests.agents.tools.test_files import Caller, text

SIMPLE = [{"value": "simple", "label": "Keep it simple", "description": "One page."}]
TWO = [*SIMPLE, {"value": "rich", "label": "Make it rich", "description": "Many pages."}]


@pytest.fixture
def call() -> Caller:
    """For tools that never use the sandbox."""
    nowhere: Any = None
    return Caller(Workspace(nowhere, project_id=str(uuid.uuid4()), owner=("job", 1)))


def test_the_definitions_are_the_same_bytes_every_time() -> None:
    assert json.dumps(definitions()) == json.dumps(definitions())
    assert [tool["name"] for tool in definitions()] == list(TOOLS)
    assert len(TOOLS) == 12


def test_the_reference_lists_the_tools_with_what_a_crash_does_to_them() -> None:
    reference = (Path(__file__).parents[3] / "docs/reference.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (again|reported) \|$", reference, re.MULTILINE)
    told = {Replay.RUN_AGAIN: "again", Replay.REPORT: "reported"}
    assert rows == [(name, told[replay(name)]) for name in TOOLS]


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_definition_is_complete_and_closed(name: str) -> None:
    definition = TOOLS[name].definition()
    schema = definition["input_schema"]
    assert definition["description"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert "title" not in json.dumps(schema)


def test_only_what_may_have_had_an_effect_is_reported_on_resume() -> None:
    assert {name for name in TOOLS if replay(name) == Replay.REPORT} == {"bash", "edit_file", "use_app"}


async def test_an_unknown_tool_is_a_failure_that_names_the_known_ones(call: Caller) -> None:
    result = await call("fly")
    assert (result.is_error, result.error_type) == (True, "unknown_tool")
    assert "write_file" in text(result)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("write_file", {"path": "a"}),
        ("write_file", {"path": "a", "content": "b", "mode": "0777"}),
        ("write_file", {"path": "a", "content": "\ud800"}),
        ("bash", {"command": ""}),
        ("bash", {"command": "echo a\0b"}),
        ("bash", {"command": "echo \ud800"}),
        ("bash", {"command": "x", "timeout": 100_000}),
        ("plan", {"phases": []}),
        ("plan", {"phases": [{"name": "A", "goal": ""}, {"name": " a ", "goal": ""}]}),
        ("plan", {"phases": [{"name": " ", "goal": ""}]}),
        ("plan", {"phases": [{"name": str(n), "goal": ""} for n in range(13)]}),
        ("ask_founder", {"problem": "P", "recommended_action": "R", "options": SIMPLE}),
        ("ask_founder", {"problem": "P", "recommended_action": "R", "options": SIMPLE * 2}),
        ("document", {"section": "secrets", "content": "x"}),
        ("narrate", {"message": ""}),
    ],
)
async def test_input_that_is_not_right_is_a_failure_with_a_sentence(
    call: Caller, name: str, arguments: dict[str, Any]
) -> None:
    result = await call(name, **arguments)
    assert (result.is_error, result.error_type) == (True, "invalid_input")
    assert text(result).endswith(".")
    json.dumps(result.content).encode("ascii")


async def test_what_the_founder_sees_is_an_effect_of_the_result(call: Caller) -> None:
    narrated = await call("narrate", message="The list works.", phase_name="The list")
    assert narrated.effects == (Narrated("The list works.", "The list"),)
    planned = await call("plan", phases=[{"name": " The list ", "goal": "A list"}])
    assert planned.effects == (PlanSet((("The list", "A list"),)),)
    assert planned.label == "Planned 1 phase"
    documented = await call("document", section="faq", content="# Why?")
    assert documented.effects == (Documented("faq", "# Why?"),)
    asked = await call("ask_founder", problem="P", recommended_action="R", options=TWO)
    assert asked.effects == (Asked("P", "R", tuple(TWO)),)


@pytest.mark.parametrize(
    ("name", "arguments", "label"),
    [
        ("bash", {"command": "npm\n  test"}, "Running npm test"),
        ("bash", {"command": "x" * 500}, "Running " + "x" * 91 + "…"),
        ("read_file", {"path": "app.py"}, "Reading app.py"),
        ("take_screenshot", {"width": 390}, "Taking a screenshot of / on a phone"),
        ("bash", {}, "Calling bash"),
        ("fly", {}, "Calling fly"),
    ],
)
def test_a_call_has_a_label_before_it_runs(
    call: Caller, name: str, arguments: dict[str, Any], label: str
) -> None:
    assert call.toolbox.label(ToolCall("1", name, arguments)) == label


@pytest.mark.services
async def test_a_sandbox_that_is_gone_is_not_the_tools_failure(workspace: Workspace) -> None:
    await kill(workspace.sandbox_id)
    with pytest.raises(SandboxGone):
        await Toolbox(workspace).run(ToolCall("1", "read_file", {"path": "a"}))


@pytest.mark.services
async def test_a_nul_in_the_output_does_not_reach_the_database(workspace: Workspace) -> None:
    result = await Caller(workspace)("bash", command="printf 'a\\0b'")
    assert text(result) == "a\N{REPLACEMENT CHARACTER}b\n[exit 0]"
