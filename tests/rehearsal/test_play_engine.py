"""The play engine: what arrived decides what the model does next."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from rehearsal.engine import Result, Turn, UserTurn, advance, opening, perform
from rehearsal.founder import FounderInput
from rehearsal.play import Play, PlayError
from rehearsal.play_file import parse_play
from rehearsal.state import Note, State

FOUNDER = FounderInput("Shelf", brief={"must_have": ["a list", "a form"]})
OK = Result("bash", "fine\n[exit 0]")
BROKEN = Result("bash", "No module named flask\n[exit 1]", error=True)
LOST = Result(
    "bash", "This was interrupted before its result was saved. It may or may not have run.", error=True
)


def call(step_id: str, command: str = "true", **more: object) -> dict[str, object]:
    return {"id": step_id, "think": "t", "call": [{"bash": {"command": command}}], **more}


def end(step_id: str = "bye", **more: object) -> dict[str, object]:
    return {"id": step_id, "think": "t", "say": f"said {step_id}", "end": True, **more}


def play_of(
    *steps: Mapping[str, object], notes: tuple[Mapping[str, object], ...] = (), **more: object
) -> Play:
    document = {"name": "test", "project": "*", "steps": list(steps), "notes": list(notes), **more}
    return parse_play(document, Path("files"), "test")


class Stage:
    """Plays a play turn by turn, as the server does: each time from the state that came back as JSON."""

    def __init__(self, play: Play, *, is_change: bool = False) -> None:
        self.play, self.state = play, opening(play, is_change=is_change)

    def send(self, *results: Result, notes: tuple[Note, ...] = ()) -> Turn:
        came = UserTurn(results, notes)
        state = advance(self.play, State.from_json(self.state.to_json()), came)
        turn = perform(self.play, state, came, FOUNDER)
        self.state = turn.state
        return turn


@pytest.fixture
def shelf() -> Stage:
    return Stage(play_of(call("plan"), call("write"), end()))


def test_steps_follow_each_other_to_the_end(shelf: Stage) -> None:
    keys = [shelf.send().key, shelf.send(OK).key, shelf.send(OK).key]
    assert keys == ["main/plan", "main/write", "main/bye"]


def test_a_change_has_a_line_of_its_own_which_may_lead_into_the_main_one() -> None:
    anew = [{"when": {"matches": "No module"}, "goto": "plan"}]
    play = play_of(call("plan"), end(), change=[call("look", on=anew), end("changed")])
    stage = Stage(play, is_change=True)
    assert [stage.send().key, stage.send(OK).key] == ["change/look", "change/changed"]
    stage = Stage(play, is_change=True)
    assert [stage.send().key, stage.send(BROKEN).key, stage.send(OK).key] == [
        "change/look",
        "main/plan",
        "main/bye",
    ]


def test_a_play_without_such_a_line_says_that_it_cannot_change_anything(shelf: Stage) -> None:
    turn = Stage(shelf.play, is_change=True).send(notes=(Note("start", "Begin."),))
    assert (turn.key, turn.calls) == ("aside:change/say-so", ())
    assert "cannot make this change" in turn.say


def test_the_first_branch_that_matches_decides() -> None:
    branches = [
        {"when": {"error": True, "matches": "No module", "exit": 1, "tool": "bash"}, "goto": "fix"},
        {"when": {"not_matches": "fine"}, "goto": "bye"},
    ]
    stage = Stage(play_of(call("run", on=branches), call("fix", next="run"), end()))
    stage.send()
    assert stage.send(BROKEN).key == "main/fix"
    assert stage.send(OK).key == "main/run"
    assert stage.send(Result("bash", "odd\n[exit 0]")).key == "main/bye"


def test_a_condition_on_a_tool_that_was_not_called_does_not_hold() -> None:
    stage = Stage(play_of(call("run", on=[{"when": {"tool": "grep"}, "goto": "bye"}]), call("more"), end()))
    stage.send()
    assert stage.send(OK).key == "main/more"


def test_an_unexpected_error_is_looked_into_and_only_the_failed_call_is_tried_again() -> None:
    both = {"id": "run", "think": "t", "call": [{"bash": {"command": "one"}}, {"bash": {"command": "two"}}]}
    stage = Stage(play_of(both, end()))
    stage.send()
    assert stage.send(OK, BROKEN).key == "aside:inspect/look"
    for results in ((OK, OK), (BROKEN,), (OK, OK)):
        again = stage.send(*results)
    assert (again.key, again.calls) == ("main/run", (("bash", {"command": "two"}),))
    assert stage.send(OK).key == "main/bye"


def fail_until_asked(stage: Stage) -> Turn:
    stage.send(OK)
    for _ in range(3):
        assert stage.send(BROKEN).key == "aside:inspect/look"
        assert stage.send(OK, OK).key == "main/plan"
    return stage.send(BROKEN)


def test_after_three_tries_the_founder_is_asked_and_the_turn_ends(shelf: Stage) -> None:
    asked = fail_until_asked(shelf)
    assert asked.calls[0][0] == "ask_founder"
    assert "No module named flask" in asked.calls[0][1]["problem"]
    assert shelf.send(Result("ask_founder", "asked")).key == "aside:ask/wait"
    assert shelf.send(notes=(Note("wake", "a new day"),)).key == "aside:ask/wait"


def test_the_answer_brings_the_failed_step_back(shelf: Stage) -> None:
    fail_until_asked(shelf)
    shelf.send(Result("ask_founder", "asked"))
    thanks = shelf.send(notes=(Note("answer", '{"decision": "try_again"}'),))
    assert thanks.calls[0][1]["message"] == "Thank you. You decided: try_again."
    assert shelf.send(OK).key == "main/plan"


def test_a_second_question_waits_for_an_answer_of_its_own(shelf: Stage) -> None:
    fail_until_asked(shelf)
    shelf.send(Result("ask_founder", "asked"), notes=(Note("answer", '{"decision": "try_again"}'),))
    assert fail_until_asked(shelf).calls[0][0] == "ask_founder"
    assert shelf.send(Result("ask_founder", "asked")).key == "aside:ask/wait"


def test_the_founder_can_leave_the_failed_step_out(shelf: Stage) -> None:
    fail_until_asked(shelf)
    shelf.send(Result("ask_founder", "asked"))
    shelf.send(notes=(Note("answer", '{"decision": "leave_out"}'),))
    assert shelf.send(OK).key == "main/write"


def test_an_answer_that_comes_with_the_question_result_is_not_waited_for(shelf: Stage) -> None:
    fail_until_asked(shelf)
    shelf.send(Result("ask_founder", "asked"), notes=(Note("answer", '{"decision": "try_again"}'),))
    assert shelf.send(OK).key == "main/plan"


WAITING = (
    call("ask"),
    end("wait", until={"note": "answer", "matches": "simpler"}, next="go"),
    call("go"),
    end(),
)


def test_a_waiting_step_is_said_again_until_its_note_comes() -> None:
    stage = Stage(play_of(*WAITING))
    stage.send()
    assert stage.send(OK).key == "main/wait"
    assert stage.send(notes=(Note("wake", ""),)).key == "main/wait"
    stage.send(notes=(Note("answer", "something else"),))
    assert stage.send(OK).key == "main/wait"
    stage.send(notes=(Note("answer", "the simpler one"),))
    assert stage.send(OK).key == "main/go"


def test_a_waiting_step_is_skipped_when_its_note_came_before() -> None:
    stage = Stage(play_of(*WAITING))
    stage.send()
    assert stage.send(OK, notes=(Note("answer", "the simpler one"),)).key == "aside:answer/acknowledge"
    assert stage.send(OK).key == "main/go"


def test_a_message_is_acknowledged_and_the_line_goes_on(shelf: Stage) -> None:
    shelf.send()
    assert shelf.send(OK, notes=(Note("message", "hello"),)).calls[0][0] == "narrate"
    assert shelf.send(OK).key == "main/write"


def test_wind_down_ends_the_turn_and_wake_goes_on_where_the_line_was(shelf: Stage) -> None:
    shelf.send()
    assert "git commit" in shelf.send(OK, notes=(Note("wind_down", ""),)).calls[0][1]["command"]
    assert shelf.send(OK).calls == ()
    assert shelf.send(notes=(Note("wake", ""),)).key == "main/write"


def test_two_notes_are_both_handled_in_their_order(shelf: Stage) -> None:
    shelf.send()
    first = shelf.send(OK, notes=(Note("message", "hello"), Note("wind_down", "")))
    assert [first.key, shelf.send(OK).key] == ["aside:message/acknowledge", "aside:wind_down/commit"]


def test_a_handler_of_the_play_goes_before_the_built_in_one_when_its_text_fits() -> None:
    handler = {"kind": "answer", "matches": "simpler", "steps": [call("simplify", next="bye")]}
    stage = Stage(play_of(call("plan"), call("write"), end(), notes=(handler,)))
    stage.send()
    assert stage.send(OK, notes=(Note("answer", "a simpler one"),)).key == "note:0/simplify"
    assert stage.send(OK).key == "main/bye"


def test_after_the_end_a_message_is_acknowledged_and_the_turn_ends_again(shelf: Stage) -> None:
    for results in ((), (OK,), (OK,)):
        shelf.send(*results)
    assert shelf.send(notes=(Note("message", "thanks"),)).key == "aside:message/acknowledge"
    assert shelf.send(OK).key == "aside:closing/end"


def test_after_the_end_failed_checks_are_looked_at(shelf: Stage) -> None:
    for results in ((), (OK,), (OK,)):
        shelf.send(*results)
    look = shelf.send(notes=(Note("checks_failed", "a list: exit 1"),))
    assert (look.key, look.think) == ("aside:checks_failed/look", "A check failed: a list: exit 1")
    assert shelf.send(OK, OK).calls == ()


def test_what_came_before_a_compaction_still_counts_after_it(shelf: Stage) -> None:
    shelf.send()
    shelf.state = advance(shelf.play, shelf.state, UserTurn((BROKEN,), (Note("message", "hi"),)))
    keys = [shelf.send().key, shelf.send(OK).key, shelf.send(OK, OK).key]
    assert keys == ["aside:message/acknowledge", "aside:inspect/look", "main/plan"]


def test_a_lost_result_takes_no_branch_and_is_asked_for_again() -> None:
    branches = [{"when": {"error": True}, "goto": "bye"}, {"when": {"not_matches": "fine"}, "goto": "bye"}]
    stage = Stage(play_of(call("run", on=branches), call("more"), end()))
    stage.send()
    assert stage.send(LOST).key == "aside:inspect/look"
    assert stage.send(OK, OK).key == "main/run"
    assert stage.send(OK).key == "main/more"


def test_only_the_lost_and_the_failed_calls_are_made_again() -> None:
    commands = [{"bash": {"command": name}} for name in ("one", "two", "three")]
    stage = Stage(play_of({"id": "run", "think": "t", "call": commands}, end()))
    stage.send()
    stage.send(LOST, OK, BROKEN)
    assert [given["command"] for _, given in stage.send(OK, OK).calls] == ["one", "three"]
    stage.send(OK, LOST)
    assert [given["command"] for _, given in stage.send(OK, OK).calls] == ["three"]


def test_interruptions_never_count_as_failures(shelf: Stage) -> None:
    shelf.send()
    for _ in range(5):
        assert shelf.send(LOST).key == "aside:inspect/look"
        assert shelf.send(OK, LOST).key == "main/plan"
    assert shelf.send(OK).key == "main/write"


def test_an_edit_that_may_have_been_made_is_taken_back_before_it_is_made_again() -> None:
    edit = {"path": "a.py", "old_string": "{{ project }}", "new_string": "two"}
    step = {"id": "run", "think": "t", "call": [{"bash": {"command": "one"}}, {"edit_file": edit}]}
    stage = Stage(play_of(step, end()))
    stage.send()
    stage.send(OK, Result("edit_file", LOST.text, error=True))
    back = stage.send(OK, OK)
    assert back.calls == (("edit_file", {**edit, "old_string": "two", "new_string": "Shelf"}),)
    again = stage.send(Result("edit_file", "The text occurs 0 times.", error=True))
    assert again.calls == (("edit_file", {**edit, "old_string": "Shelf"}),)
    assert stage.send(Result("edit_file", "Edited.")).key == "main/bye"


def test_a_resumed_line_starts_things_again_before_what_was_lost_is_repeated() -> None:
    handler = {"kind": "resumed", "steps": [call("start-again")]}
    stage = Stage(play_of(call("run"), end(), notes=(handler,)))
    stage.send()
    assert stage.send(LOST, notes=(Note("resumed", "The run goes on."),)).key == "note:0/start-again"
    assert stage.send(OK).key == "aside:inspect/look"
    assert stage.send(OK, OK).key == "main/run"


@pytest.mark.parametrize("kind", ["resumed", "night", "decisions"])
def test_a_note_that_a_play_does_not_care_about_changes_nothing(kind: str, shelf: Stage) -> None:
    shelf.send()
    assert shelf.send(OK, notes=(Note(kind, "…"),)).key == "main/write"


DETOUR = (
    call("run", on=[{"when": {"error": True}, "goto": "mend"}, {"when": {"error": True}, "goto": "stuck"}]),
    end(),
    call("mend", next="return"),
    end("stuck"),
)


def test_a_detour_comes_back_to_the_step_it_left() -> None:
    stage = Stage(play_of(*DETOUR))
    stage.send()
    assert stage.send(BROKEN).key == "main/mend"
    assert stage.send(OK).key == "main/run"
    assert stage.send(OK).key == "main/bye"


def test_a_detour_is_made_three_times_at_most() -> None:
    stage = Stage(play_of(*DETOUR))
    stage.send()
    for _ in range(3):
        assert stage.send(BROKEN).key == "main/mend"
        assert stage.send(OK).key == "main/run"
    assert stage.send(BROKEN).key == "main/stuck"


def test_strings_are_filled_with_what_the_founder_wants_and_what_came() -> None:
    step = call("run", "{% for wish in must_have %}{{ wish }};{% endfor %}{{ results | join }}")
    stage = Stage(play_of(call("plan"), step, end()))
    stage.send()
    assert stage.send(OK).calls[0][1]["command"] == "a list;a form;fine\n[exit 0]"


def test_a_template_that_asks_for_what_is_not_there_is_an_error() -> None:
    with pytest.raises(PlayError, match="colour"):
        Stage(play_of(call("run", "{{ brief.colour }}"), end())).send()


UNREAD = Result("write_file", "a.py exists, and you have not read it yet. Read it first.", True)


def test_a_file_that_was_never_read_is_read_and_then_written() -> None:
    writes = {"write_file": {"path": "a.py", "content": "x"}}
    step = {"id": "write", "think": "t", "call": [{"bash": {"command": "true"}}, writes]}
    stage = Stage(play_of(step, end()))
    stage.send()
    assert stage.send(OK, UNREAD).calls == (("read_file", {"path": "a.py"}),)
    assert stage.send(Result("read_file", "     1\told")).calls == (("write_file", writes["write_file"]),)
    assert stage.send(Result("write_file", "Wrote 1 line.")).key == "main/bye"
