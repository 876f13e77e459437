"""The generic play: it builds what fixed rules understand, and says of the rest that it cannot."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rehearsal.founder import FounderInput
from rehearsal.play import Library
from rehearsal.play_file import load_library
from rehearsal.state import Note
from tests.rehearsal.sandboxless import Workshop, play_through
from tests.rehearsal.test_plays_content import REHEARSAL, broken, checks, start

FILES = REHEARSAL / "plays" / "generic" / "files"
CHOIR = ["a list of singers with name and voice", "a singer who says no twice in a row is shown in red"]


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library(REHEARSAL / "plays")


@pytest.fixture(scope="module")
def rules() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generic_rules", FILES / "rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path / "app")
    yield workshop
    workshop.close()


def choir(must_have: object = None, change: str = "") -> FounderInput:
    brief = {"must_have": CHOIR if must_have is None else must_have}
    return FounderInput("Ladder Choir", "Know who sings", brief, change=change)


def message(words: str) -> Note:
    return Note("message", f"The founder wrote:\n{json.dumps(words)}")


def answer(decision: str, guidance: str = "") -> Note:
    return Note("answer", json.dumps({"decision": decision, "guidance": guidance}))


def build(
    library: Library, workshop: Workshop, *notes: Note, at: str = "main/start", **brief: Any
) -> list[str]:
    def came(turn: int, step: str) -> Sequence[Note]:
        asked = [answer("newest_first")] if step == "main/wait-for-order" else []
        return [*notes, *asked] if step == at else asked

    return play_through(library.for_project("Ladder Choir"), choir(**brief), workshop, came)


def follow_up(library: Library, workshop: Workshop, change: str) -> list[str]:
    """The build of a change, in the workspace as the last one left it."""
    workshop.close()
    workshop.calls.clear()
    play = library.for_project("Ladder Choir")
    return play_through(play, choir(change=change), workshop, first=[message(change)])


def narrated(workshop: Workshop) -> str:
    return " ".join(given["message"] for tool, given in workshop.calls if tool == "narrate")


UNDERSTOOD = [
    ("a list of songs", "list song"),
    ("The list of all songs.", "list song"),
    ("add a song", "add song"),
    ("everybody can add and remove songs", "remove song"),
    ("a list of songs with title, composer and key", "fields song title composer key"),
    ("request form with a photo link, item, fault and slot", "fields request photo link item fault slot"),
    ("members have names and phone numbers", "fields member name phone number"),
    ("Please add a filter by town", "filter  town"),
    ("the list can be filtered by date and place", "filter  date place"),
    ("show how many people there are", "count person"),
    ("the number of loaves", "count loaf"),
    ("how many repairs are not fixable", "count in repair not fixable"),
    ("mark each repair as fixed, not fixable or come back", "states repair fixed not fixable come back"),
    ("tick off songs", "states song open done"),
    ("call it “The Ladder”", "title  The Ladder"),
    ("Could you make it green?", "colour  green"),
]
NOT_UNDERSTOOD = [
    "a singer who says no twice in a row is shown in red",
    "no more than four requests per slot",
    "a list of overdue tools",
    "a list of tools and who has them",
    "a list of songs, the newest first",
    "a list of photos",
    "contact form with name and e-mail",
    "a form with name or phone",
    "a form with name and unique number",
    "a list of members with their average age",
    "only I can add a song",
    "mark invoices as paid automatically",
    "mark a tool as late when it is overdue",
    "a page for bakers",
    "how many things were saved from the bin",
    "a list by voice",
    "make it faster",
    "make it turquoise",
    "cancel link",
    "Eine Liste der Lieder",
    "une liste de chansons avec titre",
    "歌手の一覧",
    "",
    "a list of " + "songs and " * 2000,
]


@pytest.mark.parametrize(("sentence", "wish"), UNDERSTOOD)
def test_a_sentence_that_the_rules_know_becomes_a_wish(rules: ModuleType, sentence: str, wish: str) -> None:
    (found,) = rules.understood(sentence)
    assert " ".join([found.kind, found.noun, *found.words]).strip() == wish


@pytest.mark.parametrize("sentence", NOT_UNDERSTOOD)
def test_a_sentence_that_says_more_than_the_rules_know_is_not_understood(
    rules: ModuleType, sentence: str
) -> None:
    assert rules.understood(sentence) == []


def test_each_noun_has_a_list_of_its_own_and_a_filter_goes_where_its_field_is(rules: ModuleType) -> None:
    brief = {
        "project": "Choir",
        "goal": "",
        "promises": [
            "a list of songs",
            "singers have a name and a voice",
            "filter by voice",
            "how many songs are sung",
        ],
    }
    plan = rules.plan_of(brief, [], "newest_first")
    assert [(each["one"], each["fields"], each["filters"]) for each in plan["lists"]] == [
        ("song", ["name"], []),
        ("singer", ["name", "voice"], ["voice"]),
    ]
    assert [each["is"] for each in plan["promises"]] == ["done", "done", "done", "not possible"]


def test_a_brief_with_more_promises_than_a_declaration_may_hold_leaves_the_rest_unjudged(
    rules: ModuleType,
) -> None:
    nouns = [
        f"{a}{b}"
        for a in "abcdefghijkl"
        for b in ("at", "eel", "ird", "og", "ow", "ox", "um", "ip", "un", "ar")
    ]
    brief = {"project": "Ark", "goal": "", "promises": [f"a list of {noun}s" for noun in nouns]}
    assert len(rules.declaration(rules.plan_of(brief, [], "newest_first"))["checks"]) == rules.MOST_CHECKS


@pytest.mark.services
def test_only_what_is_built_has_a_check_and_the_rest_is_named_in_the_app(
    library: Library, workshop: Workshop
) -> None:
    assert build(library, workshop)[-1] == "main/bye"
    page = start(workshop)
    assert [check["promise"] for check in checks(workshop)] == CHOIR[:1]
    assert broken(workshop) == {}
    assert CHOIR[1] in page.partition("Asked for, and not built")[2]
    assert "rehearsal script" in narrated(workshop)


@pytest.mark.services
@pytest.mark.parametrize("at", ["main/plan", "main/groundwork", "main/start", "main/wait-for-order"])
def test_a_message_is_done_and_checked_or_refused_in_plain_words(
    at: str, library: Library, workshop: Workshop
) -> None:
    words = "Please add a filter by voice. Let the altos win!"
    build(library, workshop, message(words), at=at)
    told = narrated(workshop)
    assert "Done: “Please add a filter by voice”" in told
    assert "A rehearsal script cannot do this, so nothing changes for: “Let the altos win!”" in told
    page = start(workshop)
    assert "Let the altos win!" in page.partition("What you wrote")[2]
    assert [check["promise"] for check in checks(workshop)] == [CHOIR[0], "Please add a filter by voice."]
    workshop.url_path = "/lists/singer"
    assert 'name="by_voice"' in workshop.wait_for_page()


@pytest.mark.services
@pytest.mark.parametrize(
    ("decision", "guidance", "seen"),
    [
        ("newest_first", "", "The newest first."),
        ("by_name", "", "Sorted by name."),
        ("provide_guidance", "Call it The Ladder", "<title>Singers · The Ladder</title>"),
    ],
)
def test_the_answer_to_its_question_is_seen_in_the_app(
    decision: str, guidance: str, seen: str, library: Library, workshop: Workshop
) -> None:
    build(library, workshop, answer(decision, guidance), at="main/question")
    start(workshop)
    workshop.url_path = "/lists/singer"
    assert seen in workshop.wait_for_page()
    assert broken(workshop) == {}


@pytest.mark.services
def test_a_change_that_the_rules_know_is_made_checked_and_kept_by_the_next_one(
    library: Library, workshop: Workshop
) -> None:
    build(library, workshop)
    first, second = "Mark a singer as present or absent.", "Make it green"
    assert follow_up(library, workshop, first)[-1] == "change/bye-again"
    assert "Done: “Mark a singer as present or absent”" in narrated(workshop)
    follow_up(library, workshop, second)
    page = start(workshop)
    assert 'class="in-green"' in page
    assert [check["promise"] for check in checks(workshop)] == [CHOIR[0], first, second]
    assert broken(workshop) == {}


@pytest.mark.services
def test_a_change_that_no_rule_knows_is_refused_in_plain_words_and_has_no_check(
    library: Library, workshop: Workshop
) -> None:
    build(library, workshop)
    change = "Send me a text message when somebody is ill"
    steps = follow_up(library, workshop, change)
    assert steps[-1] == "change/bye-again"
    assert f"cannot do this, so nothing changes for: “{change}”" in narrated(workshop)
    assert change not in [check["promise"] for check in checks(workshop)]
    assert change in start(workshop).partition("What you wrote")[2]
    assert broken(workshop) == {}


@pytest.mark.services
def test_a_change_to_an_app_that_the_rules_did_not_build_begins_anew(
    library: Library, workshop: Workshop
) -> None:
    (workshop.folder / "app.py").write_text("")
    asked = [message("make it green")]

    def came(turn: int, step: str) -> Sequence[Note]:
        return [answer("by_name")] if step == "main/question" else []

    play = library.for_project("Ladder Choir")
    steps = play_through(play, choir(change="make it green"), workshop, came, first=asked)
    assert [steps[3], steps[-1]] == ["main/plan", "main/bye"]
    assert 'class="in-green"' in start(workshop)


@pytest.mark.services
@pytest.mark.parametrize("project", ["Borrow Shelf", "Fixed Together", "Slow Bread waiting list"])
def test_another_play_says_that_it_cannot_change_anything_and_touches_nothing(
    project: str, library: Library, workshop: Workshop
) -> None:
    founder = FounderInput(project, change="Paint it red")
    steps = play_through(library.for_project(project), founder, workshop, first=[message("Paint it red")])
    assert steps == ["aside:message/acknowledge", "aside:change/say-so"]
    assert "cannot act on it" in narrated(workshop)
    assert [tool for tool, _ in workshop.calls] == ["narrate"]


def test_the_app_s_own_tests_run_without_the_product(tmp_path: Path) -> None:
    for folder in (REHEARSAL / "plays" / "_shared" / "files", FILES):
        for path in folder.glob("*.py"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "plan.json").write_text("{}")
    command = [sys.executable, "-W", "error", "-m", "unittest", "test_lists"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
