"""What no text can persuade the agent to do, because no tool can do it.

A model may obey what a file, a web page or a brief tells it. It can then do only what its tools can do: these
tests are about the tools, not about the model's judgement. `tests/journeys/test_canary.py` lets a model obey.
"""

import ast
import importlib.util
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import agents.tools
from agents.tool_effects import Asked, Documented, Effect, Narrated, PlanSet
from agents.tools.toolbox import TOOLS

FOLDER = Path(agents.tools.__file__).parent
# What reaches past the workspace. What a tool may know of our own rooms is a contract of import-linter.
POWERS = (
    *("django.db", "django.conf", "django.contrib"),
    *("os", "subprocess", "socket", "urllib.request", "http.client", "httpx", "requests"),
)


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}", *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def test_the_list_names_what_exists() -> None:
    assert [name for name in POWERS if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_no_tool_reaches_past_the_workspace(path: Path) -> None:
    known = {
        name for name in imports(path) for power in POWERS if name == power or name.startswith(f"{power}.")
    }
    assert known == set()


def test_a_tool_changes_four_things_of_its_own_build_and_nothing_else() -> None:
    assert set(typing.get_args(Effect)) == {PlanSet, Narrated, Documented, Asked}


@pytest.mark.parametrize("effect", typing.get_args(Effect), ids=lambda effect: effect.__name__)
def test_no_effect_names_whom_it_is_for(effect: Any) -> None:
    """Project, founder, amount and answer come from the running session, never from the model."""
    fields = set(effect.__dataclass_fields__)
    named = ("user", "owner", "project", "job", "session", "amount", "budget", "decision", "status", "secret")
    assert not [name for name in fields if any(word in name for word in named)]


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_a_tool_takes_nothing_that_it_does_not_know(name: str) -> None:
    for field in ("project_id", "user", "secrets", "budget_microdollars"):
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            TOOLS[name].input.model_validate({field: "x"})


def test_the_tools_are_those_that_were_judged() -> None:
    """A new tool is reviewed here before it is given to a model that reads strangers' texts."""
    assert sorted(TOOLS) == [
        *("ask_founder", "bash", "document", "edit_file", "glob", "grep", "narrate", "plan"),
        *("read_file", "take_screenshot", "use_app", "write_file"),
    ]
