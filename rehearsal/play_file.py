"""Reads plays from YAML; every error names its place (the format: rehearsal/play.py)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import TemplateSyntaxError, meta

from rehearsal.e2b_api.fault import Fault as SandboxFault
from rehearsal.e2b_api.fault import FaultError as SandboxFaultError
from rehearsal.fault import Fault, FaultError
from rehearsal.play import (
    NOTE_KINDS,
    RETURN,
    Branch,
    Call,
    Condition,
    Handler,
    Library,
    Line,
    NoteMatch,
    Play,
    PlayError,
    Step,
    Text,
)
from rehearsal.strict_yaml import load_yaml
from rehearsal.template import JINJA, VARIABLES

TOOLS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    name: (frozenset(required.split()), frozenset(optional.split()))
    for name, required, optional in (
        ("read_file", "path", "offset limit"),
        ("write_file", "path content", ""),
        ("edit_file", "path old_string new_string", "replace_all more_edits"),
        ("bash", "command", "timeout background wait_for_port"),
        ("grep", "pattern", "path glob"),
        ("glob", "pattern", "path"),
        ("take_screenshot", "", "path width full_page"),
        ("use_app", "steps", "width save_as"),
        ("narrate", "message", "phase_name"),
        ("document", "section content", ""),
        ("plan", "phases", ""),
        ("ask_founder", "problem recommended_action options", ""),
    )
}
"""The agent's tools: required and optional inputs."""


def load_library(plays_dir: Path) -> Library:
    """Read and check every play in `plays_dir`; raises PlayError with every error found."""
    plays, wrong = [], []
    for path in sorted(plays_dir.glob("*/play.yaml")):
        try:
            plays.append(load_play(path))
        except PlayError as error:
            wrong.append(str(error))
    wrong += [
        *_doubles("name", [p.name for p in plays]),
        *_doubles("project", [p.project.casefold() for p in plays]),
    ]
    if not plays and not wrong:
        wrong.append(f"{plays_dir} holds no play (looked for */play.yaml).")
    if wrong:
        raise PlayError("\n".join(wrong))
    return Library(tuple(plays))


def load_play(path: Path) -> Play:
    """Read one `play.yaml`; raises PlayError."""
    try:
        document = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PlayError(f"{path}: cannot be read: {error}") from error
    return parse_play(document, path.parent / "files", str(path))


def parse_play(document: object, files: Path, where: str) -> Play:
    """Check a parsed play whose `{file: X}` are in `files`; raises PlayError that starts with `where`."""
    return _Parser(files).play(document, where)


def _doubles(what: str, values: list[str]) -> Iterator[str]:
    for value in sorted({v for v in values if values.count(v) > 1}):
        yield f"Two plays have the {what} {value!r}."


class _Parser:
    """Turns the YAML document into a Play, or reports exactly what is wrong and where."""

    def __init__(self, files: Path) -> None:
        self.files = files

    def play(self, document: object, where: str) -> Play:
        data = _mapping(document, where, required={"name", "project", "steps"}, optional={"notes", "change"})
        main = self.line(data["steps"], f"{where}: steps")
        notes = _list(data.get("notes") or [], f"{where}: notes")
        handlers = [self.handler(note, f"{where}: notes[{n}]") for n, note in enumerate(notes)]
        play = Play(
            _text(data["name"], f"{where}: name"),
            _text(data["project"], f"{where}: project"),
            main,
            tuple(handlers),
            self.line(data["change"], f"{where}: change") if "change" in data else None,
        )
        _check_targets(play, where)
        return play

    def handler(self, document: object, where: str) -> Handler:
        data = _mapping(document, where, required={"kind", "steps"}, optional={"matches"})
        trigger = _note_match(data["kind"], data.get("matches"), f"{where}: kind")
        return Handler(trigger, self.line(data["steps"], f"{where}: steps"))

    def line(self, document: object, where: str) -> Line:
        steps = tuple(self.step(step, f"{where}[{n}]") for n, step in enumerate(_list(document, where)))
        if not steps:
            raise PlayError(f"{where}: needs at least one step.")
        ids = [step.id for step in steps]
        for double in sorted({i for i in ids if ids.count(i) > 1}):
            raise PlayError(f"{where}: two steps have the id {double!r}.")
        return Line(steps)

    def step(self, document: object, where: str) -> Step:
        optional = {"thinking_tokens", "say", "call", "on", "next", "end", "until", "fault", "sandbox_fault"}
        data = _mapping(document, where, required={"id", "think"}, optional=optional)
        step_id = _text(data["id"], f"{where}: id")
        where = f"{where} {step_id!r}"
        step = Step(
            id=step_id,
            think=self.template(data["think"], f"{where}: think"),
            thinking_tokens=_whole(data.get("thinking_tokens", 0), f"{where}: thinking_tokens"),
            say=self.template(data["say"], f"{where}: say") if "say" in data else "",
            calls=tuple(
                self.call(c, f"{where}: call[{n}]")
                for n, c in enumerate(_list(data.get("call", []), f"{where}: call"))
            ),
            branches=tuple(
                self.branch(b, f"{where}: on[{n}]")
                for n, b in enumerate(_list(data.get("on", []), f"{where}: on"))
            ),
            next=_text(data["next"], f"{where}: next") if "next" in data else None,
            end=_truth(data.get("end", False), f"{where}: end"),
            until=self.until(data["until"], f"{where}: until") if "until" in data else None,
            fault=_fault(data["fault"], f"{where}: fault") if "fault" in data else None,
            sandbox_fault=(
                _sandbox_fault(data["sandbox_fault"], f"{where}: sandbox_fault")
                if "sandbox_fault" in data
                else None
            ),
        )
        _check_step(step, where)
        return step

    def call(self, document: object, where: str) -> Call:
        if not isinstance(document, dict) or len(document) != 1:
            raise PlayError(f"{where}: must be a mapping of one tool to its input.")
        [(tool, tool_input)] = document.items()
        required, optional = TOOLS[_one_of(tool, TOOLS, where)]
        where = f"{where} {tool}"
        data = _mapping(tool_input, where, required=required, optional=optional)
        return Call(tool, {key: self.value(value, f"{where}.{key}") for key, value in data.items()})

    def value(self, value: object, where: str) -> object:
        """A call's input with its files read and its templates checked."""
        if isinstance(value, str):
            return self.template(value, where)
        if isinstance(value, list):
            return [self.value(item, f"{where}[{n}]") for n, item in enumerate(value)]
        if isinstance(value, dict):
            if value.keys() in ({"file"}, {"template"}):
                [(kind, name)] = value.items()
                return self.file(name, where, template=kind == "template")
            return {key: self.value(item, f"{where}.{key}") for key, item in value.items()}
        return value

    def file(self, name: object, where: str, *, template: bool) -> Text:
        """A file of the play itself, else one that plays share."""
        folders = (self.files, self.files.parent.parent / "_shared" / "files")
        path = next((f / _text(name, where) for f in folders if (f / _text(name, where)).is_file()), None)
        if path is None:
            raise PlayError(f"{where}: there is no file {name!r} in {folders[0]} or {folders[1]}.")
        source = path.read_text(encoding="utf-8")
        return Text(self.template(source, f"{where} ({name})") if template else source, template)

    def template(self, value: object, where: str) -> str:
        source = _text(value, where)
        try:
            unknown = meta.find_undeclared_variables(JINJA.parse(source)) - VARIABLES - JINJA.globals.keys()
        except TemplateSyntaxError as error:
            raise PlayError(
                f"{where}: line {error.lineno} is not a valid template: {error.message}"
            ) from error
        if unknown:
            raise PlayError(f"{where}: unknown variable {_names(unknown)} (there are {_names(VARIABLES)}).")
        return source

    def branch(self, document: object, where: str) -> Branch:
        data = _mapping(document, where, required={"when", "goto"})
        return Branch(self.condition(data["when"], f"{where}: when"), _text(data["goto"], f"{where}: goto"))

    def condition(self, document: object, where: str) -> Condition:
        data = _mapping(document, where, optional={"error", "matches", "not_matches", "exit", "tool"})
        if not data:
            raise PlayError(f"{where}: asks for nothing.")
        return Condition(
            error=_truth(data["error"], f"{where}: error") if "error" in data else None,
            matches=_regex(data.get("matches"), f"{where}: matches"),
            not_matches=_regex(data.get("not_matches"), f"{where}: not_matches"),
            exit=_whole(data["exit"], f"{where}: exit") if "exit" in data else None,
            tool=_one_of(data["tool"], TOOLS, f"{where}: tool") if "tool" in data else None,
        )

    def until(self, document: object, where: str) -> NoteMatch:
        data = _mapping(document, where, required={"note"}, optional={"matches"})
        return _note_match(data["note"], data.get("matches"), where)


def _note_match(kind: object, matches: object, where: str) -> NoteMatch:
    return NoteMatch(_one_of(kind, NOTE_KINDS, where), _regex(matches, f"{where}: matches"))


def _check_step(step: Step, where: str) -> None:
    if step.end == bool(step.calls):
        raise PlayError(f"{where}: needs either `call` or `end: true`, and not both.")
    if step.end and not step.say:
        raise PlayError(f"{where}: a turn that ends needs `say`.")
    if step.end and step.branches:
        raise PlayError(f"{where}: `on` needs tool calls, and this step ends the turn.")
    if step.until and not (step.end and step.next):
        raise PlayError(f"{where}: `until` needs `end: true` and `next`.")


def _check_targets(play: Play, where: str) -> None:
    """Every `next` and `goto` names a step; the main line has an end."""
    lines = [("steps", play.main), *((f"notes[{n}]", h.line) for n, h in enumerate(play.handlers))]
    if play.change:
        lines.append(("change", play.change))
    for label, line in lines:
        for step in line.steps:
            for target in (step.next, *(branch.goto for branch in step.branches)):
                if target is None or target == RETURN:
                    continue
                if not (line.find(target) or play.main.find(target)):
                    raise PlayError(f"{where}: {label} {step.id!r}: there is no step {target!r} to go to.")
    _check_returns(play, where)
    for label, line in lines:
        last = line.steps[-1]
        if label in ("steps", "change") and not last.end and last.next is None:
            raise PlayError(f"{where}: {label} {last.id!r}: the last step needs `end: true` or `next`.")


def _check_returns(play: Play, where: str) -> None:
    """Steps that return are reached only by branches of their own line."""
    for line in filter(None, (play.main, play.change, *(handler.line for handler in play.handlers))):
        for step in line.steps:
            following = line.after(step)
            elsewhere = [b.goto for b in step.branches if line is not play.main and not line.find(b.goto)]
            for target in (following, *elsewhere):
                reached = line.find(target or "") or play.main.find(target or "")
                if reached is not None and reached.next == RETURN:
                    raise PlayError(f"{where}: {step.id!r}: {reached.id!r} returns and needs a branch to it.")


def _mapping(
    value: object, where: str, *, required: Collection[str] = (), optional: Collection[str] = ()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise PlayError(f"{where}: must be a mapping, not {value!r:.60}.")
    allowed = {*required, *optional}
    if unknown := value.keys() - allowed:
        raise PlayError(
            f"{where}: unknown key {_names(map(str, unknown))} (allowed: {_names(allowed) or 'none'})."
        )
    if missing := set(required) - value.keys():
        raise PlayError(f"{where}: {_names(missing)} is missing.")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise PlayError(f"{where}: must be a list, not {value!r:.60}.")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PlayError(f"{where}: must be a text that is not empty, not {value!r:.60}.")
    return value


def _truth(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise PlayError(f"{where}: must be true or false, not {value!r:.60}.")
    return value


def _whole(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise PlayError(f"{where}: must be a whole number, not {value!r:.60}.")
    return value


def _one_of(value: object, allowed: Collection[str], where: str) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise PlayError(f"{where}: {value!r:.60} is none of {_names(allowed)}.")
    return value


def _regex(value: object, where: str) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        return re.compile(_text(value, where), re.MULTILINE)
    except re.error as error:
        raise PlayError(f"{where}: {value!r} is not a valid regular expression: {error}") from error


def _fault(value: object, where: str) -> Fault:
    try:
        return Fault.parse(value)
    except FaultError as error:
        raise PlayError(f"{where}: {error}") from error


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _sandbox_fault(value: object, where: str) -> SandboxFault:
    try:
        return SandboxFault.parse(value)
    except SandboxFaultError as error:
        raise PlayError(f"{where}: {error}") from error
