"""A package is a room: its docstring says what it is for and what it may import."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("agents", "cofounder", "escalations", "intrude", "jobs", "rehearsal")
RULE = re.compile(r"\b(?:May import|Imports no|Imports nothing|Nothing imports)\b.*", re.DOTALL)


def rooms() -> list[Path]:
    """Neither migrations nor the programs that the rehearsal's agents write."""
    found = (file.parent for folder in FOLDERS for file in (REPOSITORY / folder).rglob("__init__.py"))
    return sorted(room for room in found if not {"migrations", "plays"} & set(room.parts))


def name_of(room: Path) -> str:
    return str(room.relative_to(REPOSITORY))


def rule_of(source: str) -> str:
    """What the docstring of a package says about imports; nothing if it does not say it."""
    found = RULE.search(ast.get_docstring(ast.parse(source)) or "")
    return found.group() if found else ""


def names_in(rule: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", rule)


def exists(name: str, room: Path) -> bool:
    """Whether the name is a module beside the room, beside a package around it, or the whole path of one."""
    around = [folder for folder in room.parents if folder.is_relative_to(REPOSITORY)]
    paths = [folder / name.replace(".", "/") for folder in around]
    return any((path / "__init__.py").exists() or path.with_suffix(".py").exists() for path in paths)


@pytest.mark.parametrize("room", rooms(), ids=name_of)
def test_each_room_says_what_it_may_import(room: Path) -> None:
    assert rule_of((room / "__init__.py").read_text())


@pytest.mark.parametrize("room", rooms(), ids=name_of)
def test_the_rooms_that_it_names_exist(room: Path) -> None:
    rule = rule_of((room / "__init__.py").read_text())

    assert [name for name in names_in(rule) if not exists(name, room)] == []


@pytest.mark.parametrize("source", ["", '"""The money."""', "# May import `models`."])
def test_a_room_without_a_rule_is_noticed(source: str) -> None:
    assert not rule_of(source)


def test_a_room_that_is_gone_is_noticed() -> None:
    room = REPOSITORY / "agents" / "budget"

    assert exists("models", room)
    assert exists("jobs.briefs", room)
    assert not exists("keeper", room)
