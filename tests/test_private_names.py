"""Names that libraries do not promise to keep: each is documented, there, and pinned to a minor release."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).resolve().parent.parent
IMPORTED = ("agents", "cofounder", "escalations", "jobs", "rehearsal")
FOLDERS = (*IMPORTED, "bench", "intrude")
DOCUMENTED = {"_meta", "_default_manager"}  # Django documents these two


class Listed(NamedTuple):
    owner: str
    name: str
    library: str
    release: str


def listed() -> list[Listed]:
    text = (REPOSITORY / "docs" / "reference.md").read_text().split("\n## Private names of libraries\n")[1]
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \| (\S+) ([\d.]+) \| \S", text, re.MULTILINE)
    return [
        Listed(owner, name, library, release)
        for owner, names, library, release in rows
        for name in re.findall(r"`(\w+)`", names)
    ]


def owner_of(path: str) -> type:
    module, _, name = path.rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found


def has(owner: type, name: str) -> bool:
    """Whether the class itself (not what it inherits) defines the name, or sets it on its instances."""
    return name in vars(owner) or re.search(rf"\bself\.{name}\b", source_of(owner)) is not None


def source_of(owner: type) -> str:
    try:
        return inspect.getsource(owner)
    except (OSError, TypeError):  # written in C
        return ""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and not name.endswith("_")


def used_of_others(tree: ast.AST) -> Iterator[str]:
    """Private attributes that this module reads or sets, and private names that it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (part for part in (node.module or "").split(".") if is_private(part))
            yield from (alias.name for alias in node.names if is_private(alias.name))


def defined(tree: ast.AST) -> Iterator[str]:
    """The names a module makes itself: not by an annotation without a value, nor as another's attribute."""
    bare = {node.target for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and node.value is None}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in bare:
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            yield node.attr


def _is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def strangers(source: str) -> set[str]:
    """Private names that a module uses and does not define."""
    tree = ast.parse(source)
    return set(used_of_others(tree)) - set(defined(tree))


def taken_from_bases(ours: type) -> set[tuple[str, str]]:
    """Private names in the body of a class that belong to a library's class below it."""
    names = {found for found in re.findall(r"\b(?:self\.|def )(\w+)", source_of(ours)) if is_private(found)}
    bases = [base for base in ours.__mro__ if _is_of_a_library(base)]
    return {(name, path(base)) for base in bases for name in names if has(base, name)}


def _is_of_a_library(owner: type) -> bool:
    package = owner.__module__.split(".")[0]
    return package not in IMPORTED and package not in sys.stdlib_module_names


def path(owner: type) -> str:
    return f"{owner.__module__}.{owner.__qualname__}"


def our_sources() -> list[Path]:
    """Neither migrations nor the programs that the rehearsal's agents write."""
    found = (file for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.py"))
    return [file for file in found if not {"migrations", "plays"} & set(file.parts)]


def our_classes() -> Iterator[type]:
    for package in map(importlib.import_module, IMPORTED):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in found.name or ".plays" in found.name or found.name.endswith("__main__"):
                continue
            module = importlib.import_module(found.name)
            for value in list(vars(module).values()):
                if inspect.isclass(value) and value.__module__ == module.__name__:
                    yield value


@pytest.mark.parametrize("entry", listed(), ids=lambda entry: f"{entry.owner}.{entry.name}")
def test_each_name_is_still_there(entry: Listed) -> None:
    assert any(has(owner, entry.name) for owner in owner_of(entry.owner).__mro__)


@pytest.mark.parametrize(("library", "release"), sorted({entry[2:] for entry in listed()}))
def test_its_library_is_pinned_to_the_minor_release(library: str, release: str) -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    pins = {pin.name: pin.specifier for pin in map(Requirement, project["dependencies"])}
    major, minor = map(int, release.split("."))

    assert f"{release}." in f"{version(library)}."
    assert pins[library].contains(f"{release}.99")
    assert not pins[library].contains(f"{major}.{minor + 1}.0")


def test_no_other_private_name_is_used() -> None:
    known = {entry.name for entry in listed()} | DOCUMENTED

    used = {str(file): strangers(file.read_text()) - known for file in our_sources()}

    assert {file: names for file, names in used.items() if names} == {}


def test_each_name_is_still_used() -> None:
    words = set(re.findall(r"\w+", "\n".join(file.read_text() for file in our_sources())))

    assert {entry.name for entry in listed()} - words == set()


def test_no_other_private_name_is_overridden_or_shared_with_a_base() -> None:
    known = {(entry.name, path(owner)) for entry in listed() for owner in owner_of(entry.owner).__mro__}

    assert {path(ours): taken for ours in our_classes() if (taken := taken_from_bases(ours) - known)} == {}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("layer._shards[0]", "_shards"),
        ("layer._shards = []", "_shards"),
        ("class Ours(Theirs):\n    _redis: int\n\n    def ask(self):\n        self._redis.get()", "_redis"),
        ("from library import _inner", "_inner"),
        ("from library._inner import name", "_inner"),
    ],
)
def test_a_use_is_found(source: str, name: str) -> None:
    assert strangers(source) == {name}


def test_an_override_is_found() -> None:
    class Ours(owner_of("procrastinate.worker.Worker")):  # type: ignore[misc]  # found by its name
        async def _shutdown(self, *given: Any) -> None:
            self._stop_event.set()

    assert {name for name, _ in taken_from_bases(Ours)} == {"_shutdown", "_stop_event"}
