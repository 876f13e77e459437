from typing import Any

import pytest

from jobs.brief_edits import (
    Brief,
    Edit,
    added,
    back_to,
    changed,
    difference_in_words,
    left_out,
    listed,
    moved,
    promised_after_all,
    removed,
    rewritten,
    that_could_wait,
)
from jobs.briefs import BadBrief
from jobs.errors import Conflict
from jobs.promises import Promised

LEND, FIND, ASK = (
    Promised("A member lends a tool", "I lend one", "P1"),
    Promised("A tool is found", "", "P2"),
    Promised("A member asks for a tool", "", "P4"),
)
BRIEF = Brief(
    3,
    (LEND, FIND, ASK),
    {
        "must_have": [LEND.text, FIND.text, ASK.text],
        "out_of_scope": ["Payments", "A map"],
        "needs": ["A list of members"],
        "tone": "warm",
    },
)


def keys(brief: Brief) -> list[str]:
    return [promise.key for promise in brief.promises]


def test_an_edited_promise_keeps_its_key_its_place_and_how_it_is_checked() -> None:
    edited = changed("promise", "P1", "  A member lends\n a drill ", was=LEND.text)(BRIEF)

    assert edited.promises[0] == Promised("A member lends a drill", "I lend one", "P1")
    assert edited.content["must_have"] == ["A member lends a drill", FIND.text, ASK.text]
    assert edited.content["tone"] == "warm"


@pytest.mark.parametrize(
    ("line", "by", "order"),
    [("P1", 1, ["P2", "P1", "P4"]), ("P4", -1, ["P1", "P4", "P2"]), ("P4", 1, ["P1", "P2", "P4"])],
)
def test_a_promise_moves_and_stays_at_an_end(line: str, by: int, order: list[str]) -> None:
    assert keys(moved("promise", line, by)(BRIEF)) == order


def test_the_first_line_stays_the_first() -> None:
    assert moved("promise", "P1", -1)(BRIEF) == BRIEF


def test_a_line_is_added_and_removed() -> None:
    assert added("promise", "A map", "I look")(BRIEF).promises[-1] == Promised("A map", "I look")
    assert keys(removed("promise", "P2")(BRIEF)) == ["P1", "P4"]
    assert added("needs", "A logo")(BRIEF).lines("needs") == ["A list of members", "A logo"]
    assert "needs" not in removed("needs", "A list of members")(BRIEF).content
    assert moved("out_of_scope", "A map", -1)(BRIEF).lines("out_of_scope") == ["A map", "Payments"]
    assert changed("out_of_scope", "A map", "Maps")(BRIEF).lines("out_of_scope") == ["Payments", "Maps"]


def test_a_promise_that_waits_is_not_in_this_version_and_can_be_promised_after_all() -> None:
    smaller = left_out(["P2", "P4"])(BRIEF)
    assert keys(smaller) == ["P1"]
    assert smaller.lines("out_of_scope") == ["Payments", "A map", FIND.text, ASK.text]

    again = promised_after_all(FIND.text)(smaller)
    assert [promise.text for promise in again.promises] == [LEND.text, FIND.text]
    assert again.lines("out_of_scope") == ["Payments", "A map", ASK.text]
    assert back_to(BRIEF)(smaller) == BRIEF


@pytest.mark.parametrize(
    ("promised", "waiting"), [(1, 0), (2, 1), (3, 1), (4, 1), (5, 2), (6, 3), (7, 3), (9, 4), (50, 25)]
)
def test_the_later_half_could_wait(promised: int, waiting: int) -> None:
    wanted = [Promised(str(number)) for number in range(promised)]
    assert that_could_wait(wanted) == wanted[promised - waiting :]


def test_the_whole_list_is_written_anew_by_its_keys() -> None:
    given = [{"key": "P4"}, {"text": "A map"}, {"key": "P1", "text": "A member lends a drill"}]
    assert rewritten(given)(BRIEF).promises == (
        ASK,
        Promised("A map"),
        Promised("A member lends a drill", "I lend one", "P1"),
    )


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda: rewritten("a"), "must be a list"),
        (lambda: rewritten(["a"]), "must be an object"),
        (lambda: rewritten([{"key": "P9", "text": "a"}]), "no promise “P9”"),
        (lambda: rewritten([{"key": ["P1"]}]), "There is no promise"),
        (lambda: rewritten([{"text": 5}]), "must be text"),
        (lambda: rewritten([{"text": "a", "how_checked": 5}]), "must be text"),
        (lambda: rewritten([{"key": "P1"}, {"key": "P1", "text": "b"}]), "given twice"),
        (lambda: rewritten([]), "One promise has to stay"),
        (lambda: rewritten([{"text": f"p {number}"} for number in range(51)]), "at most 50"),
        (lambda: added("promise", f" {FIND.text.upper()} "), "promised already"),
        (lambda: added("promise", " \n"), "is empty"),
        (lambda: added("promise", "a" * 1001), "at most 1,000"),
        (lambda: added("promise", "a\0"), "control characters"),
        (lambda: added("promise", "a", "b" * 1001), "at most 1,000"),
        (lambda: listed("needs", "a"), "must be a list"),
        (lambda: listed("needs", [5]), "must be text"),
        (lambda: listed("out_of_scope", ["a", "A"]), "in the list already"),
        (lambda: left_out(["P1", "P2", "P4"]), "One promise has to stay"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(edit: Any, sentence: str) -> None:
    with pytest.raises(BadBrief, match=sentence):
        edit()(BRIEF)


@pytest.mark.parametrize(
    "edit",
    [
        changed("promise", "P1", "Mine", was="A member lends a saw"),
        changed("promise", "P3", "Mine"),
        moved("promise", "P3", 1),
        removed("promise", "P3"),
        removed("needs", "A logo"),
        promised_after_all("A logo"),
    ],
)
def test_a_line_that_is_not_as_it_was_seen_is_a_conflict(edit: Edit) -> None:
    with pytest.raises(Conflict):
        edit(BRIEF)


def test_a_long_promise_of_before_may_stay_as_it_is() -> None:
    long = Promised("a" * 2000, "", "P1")
    brief = Brief(1, (long, FIND), {})
    assert rewritten([{"key": "P2"}, {"key": "P1"}])(brief).promises == (FIND, long)


def test_the_agent_is_told_what_changed_and_nothing_of_what_did_not() -> None:
    edited = changed("promise", "P1", "Lend a drill")(
        removed("promise", "P2")(added("promise", "A map")(BRIEF))
    )
    edited = removed("needs", "A list of members")(added("out_of_scope", "Mail")(edited))

    assert difference_in_words(BRIEF, edited).splitlines() == [
        "I have changed the brief.",
        "New promise : A map",
        "Promise P1 is now: Lend a drill (it was: A member lends a tool)",
        "No longer promised, P2: A tool is found",
        "Not in this version: Mail",
        "No longer so: Needed from me: A list of members",
    ]
    assert difference_in_words(BRIEF, moved("promise", "P1", 1)(BRIEF)) == ""
