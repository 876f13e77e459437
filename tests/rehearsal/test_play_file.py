"""Plays are checked when they are loaded: each mistake is an error that names its place."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.play import PlayError, Text
from rehearsal.play_file import load_library, load_play, parse_play

BYE = {"id": "bye", "think": "t", "say": "Done.", "end": True}
RUN = {"id": "run", "think": "t", "call": [{"bash": {"command": "true"}}]}


def document(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "test", "project": "Shelf", "steps": list(steps), **more}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "must be a mapping"),
        ({**document(BYE), "titel": "x"}, "unknown key titel"),
        ({"name": "x", "project": "y"}, "steps is missing"),
        (document(), "at least one step"),
        (document(BYE, BYE), "two steps have the id 'bye'"),
        (document({**BYE, "cal": []}), "unknown key cal"),
        (document({"id": "a", "say": "b", "end": True}), "think is missing"),
        (document({**RUN, "end": True}), "either `call` or `end: true`"),
        (document({"id": "a", "think": "b"}), "either `call` or `end: true`"),
        (document(RUN), "the last step needs"),
        (document({**RUN, "next": "nowhere"}, BYE), "no step 'nowhere'"),
        (document({**RUN, "on": [{"when": {"error": True}, "goto": "nowhere"}]}, BYE), "no step 'nowhere'"),
        (document({**RUN, "on": [{"when": {}, "goto": "bye"}]}, BYE), "asks for nothing"),
        (document({**RUN, "on": [{"when": {"matches": "("}, "goto": "bye"}]}, BYE), "regular expression"),
        (document({**RUN, "on": [{"when": {"exit": "1"}, "goto": "bye"}]}, BYE), "whole number"),
        (document({**RUN, "call": [{"bsh": {}}]}, BYE), "'bsh' is none of"),
        (document({**RUN, "call": [{"bash": {}}]}, BYE), "command is missing"),
        (document({**RUN, "call": [{"bash": {"command": "x", "cwd": "/"}}]}, BYE), "unknown key cwd"),
        (document({**RUN, "think": "{{ goal "}, BYE), "not a valid template"),
        (document({**RUN, "think": "{{ colour }}"}, BYE), "unknown variable colour"),
        (
            document({**RUN, "call": [{"bash": {"command": {"file": "no.sh"}}}]}, BYE),
            "there is no file 'no.sh'",
        ),
        (document({**RUN, "fault": {"kind": "bad"}}, BYE), "fault's kind is one of"),
        (document({**RUN, "sandbox_fault": {"kind": "bad"}}, BYE), "'run': sandbox_fault: kind is one of"),
        (document({**RUN, "sandbox_fault": {"kind": "busy", "on": "x"}}, BYE), "on is one of"),
        (document({**RUN, "sandbox_fault": {"kind": "busy", "at": 1}}, BYE), "has no at"),
        (document({**RUN, "sandbox_fault": {"kind": "busy", "times": -1}}, BYE), "times is a number"),
        (document({**RUN, "sandbox_fault": "busy"}, BYE), "is a mapping"),
        (document({**BYE, "until": {"note": "answer"}}), "`until` needs"),
        (document(RUN, {**RUN, "id": "back", "next": "return"}, BYE), "'back' returns and needs a branch"),
        (document(BYE, change=[RUN]), "change 'run': the last step needs"),
        (document(BYE, change=[{**RUN, "next": "nowhere"}]), "change 'run': there is no step 'nowhere'"),
        (document(BYE, notes=[{"kind": "gossip", "steps": [BYE]}]), "'gossip' is none of"),
    ],
)
def test_a_mistake_in_a_play_is_an_error(wrong: object, message: str) -> None:
    with pytest.raises(PlayError, match=message.replace("(", r"\(")):
        parse_play(wrong, Path("files"), "play.yaml")


def test_files_are_read_verbatim_and_templates_are_kept_to_be_filled(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "app.py").write_text("a = '{{ not a template'\n")
    (tmp_path / "files" / "page.html").write_text("<h1>{{ project }}</h1>")
    calls = [
        {"write_file": {"path": p, "content": {kind: p}}}
        for kind, p in (("file", "app.py"), ("template", "page.html"))
    ]
    step = parse_play(document({**RUN, "call": calls}, BYE), tmp_path / "files", "test").main.steps[0]
    assert [call.input["content"] for call in step.calls] == [
        Text("a = '{{ not a template'\n", template=False),
        Text("<h1>{{ project }}</h1>", template=True),
    ]


def write_plays(folder: Path, **projects: str) -> Path:
    for name, project in projects.items():
        (folder / name).mkdir()
        steps = "[{id: a, think: t, say: s, end: true}]"
        (folder / name / "play.yaml").write_text(f"{{name: {name}, project: '{project}', steps: {steps}}}")
    return folder


def test_two_plays_for_one_project_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlayError, match="Two plays have the project 'shelf'"):
        load_library(write_plays(tmp_path, one="Shelf", two="shelf"))


def test_a_folder_without_plays_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlayError, match="holds no play"):
        load_library(tmp_path)


def test_a_project_finds_its_play_whatever_the_case_and_every_other_gets_the_generic_one(
    tmp_path: Path,
) -> None:
    library = load_library(write_plays(tmp_path, shelf="Borrow Shelf", generic="*"))
    assert library.for_project(" BORROW shelf ").name == "shelf"
    assert library.for_project("anything").name == "generic"


def test_a_shared_file_is_found_when_the_play_has_none_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "_shared" / "files").mkdir(parents=True)
    (tmp_path / "_shared" / "files" / "base.css").write_text("body {}")
    call = {"write_file": {"path": "base.css", "content": {"file": "base.css"}}}
    play = parse_play(document({**RUN, "call": [call]}, BYE), tmp_path / "own" / "files", "test")
    assert play.main.steps[0].calls[0].input["content"] == Text("body {}", template=False)


def test_on_is_a_word_and_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    steps = "[{id: a, think: t, call: [{bash: {command: x}}], on: [{when: {error: true}, goto: a}], next: a}]"
    path = write_plays(tmp_path, shelf="*") / "shelf" / "play.yaml"
    path.write_text(f"{{name: shelf, project: '*', steps: {steps}}}")
    assert load_play(path).main.steps[0].branches[0].goto == "a"
    path.write_text("name: one\nname: two\n")
    with pytest.raises(PlayError, match="'name' is given twice"):
        load_play(path)
