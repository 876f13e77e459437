"""Runs a play: from its current state and what just arrived to the model's next turn. Pure functions.

`advance` takes the results and notes that arrived and finds the next step; `perform` turns it into a turn.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rehearsal import asides
from rehearsal.e2b_api.fault import Fault as SandboxFault
from rehearsal.fault import Fault
from rehearsal.founder import FounderInput
from rehearsal.play import RETURN, Branch, Condition, Line, Play, PlayError, Step
from rehearsal.state import Frame, Note, State
from rehearsal.template import ToolInput, fill, render, variables

MAX_TRIES = 3
INSPECT = Frame("aside:inspect", "look")
ASK = Frame("aside:ask", "ask")
WAIT_FOR_FOUNDER = Frame("aside:ask", "wait")
CLOSING = Frame("aside:closing", "end")
ASIDES = {
    "inspect": asides.INSPECT,
    "ask": asides.ASK,
    "closing": asides.CLOSING,
    "change": asides.CHANGE,
    **asides.NOTES,
}
EXIT = re.compile(r"\[exit (\d+)\]")
INTERRUPTED = "was interrupted before its result was saved"
UNREAD = re.compile(r"Read it (?:again )?first\.$")


@dataclass(frozen=True)
class Result:
    """What a tool answered."""

    tool: str
    text: str
    error: bool = False

    @property
    def interrupted(self) -> bool:
        return self.error and INTERRUPTED in self.text

    @property
    def unread(self) -> bool:
        """Whether a file was not changed because the agent has not seen it as it is."""
        return self.error and UNREAD.search(self.text) is not None


@dataclass(frozen=True)
class UserTurn:
    """What arrived since the model's last turn: results in the order of its calls, then notes."""

    results: tuple[Result, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Turn:
    """What the model does next; `state` is stored in its signature."""

    think: str
    thinking_tokens: int
    say: str
    calls: tuple[tuple[str, ToolInput], ...]
    state: State
    key: str
    fault: Fault | None = None
    sandbox_fault: SandboxFault | None = None


def opening(play: Play, *, is_change: bool = False) -> State:
    """The state before the first turn of a first build, or of one for a change."""
    name = ("change" if play.change else "aside:change") if is_change else "main"
    return State(play.name, None, (Frame(name, _line(play, name).steps[0].id),))


def advance(play: Play, state: State, turn: UserTurn) -> State:
    """Process what arrived: the new state has nothing played, and the next step first on its agenda."""
    state = _hear(play, state, turn.notes)
    state = _follow(play, state, turn.results)
    if any(note.kind == "wake" for note in turn.notes):
        state = replace(state, agenda=tuple(f for f in state.agenda if not _ends_the_day(play, f)))
    state = replace(state, agenda=(*_interjections(play, _still_due(turn.notes)), *state.agenda))
    while state.agenda and _is_answered(play, state, state.agenda[0]):
        frame = state.agenda[0]
        state = _leave(play, replace(state, agenda=state.agenda[1:]), frame, step_at(play, frame))
    return state if state.agenda else replace(state, agenda=(CLOSING,))


def perform(play: Play, state: State, turn: UserTurn, founder: FounderInput) -> Turn:
    """Make a turn of the first step on the agenda; raises PlayError for a bad template."""
    frame = state.agenda[0]
    step = step_at(play, frame)
    names = variables(founder, [result.text for result in turn.results], frame.note)
    calls = [call for n, call in enumerate(step.calls) if not frame.only or n in frame.only]
    inputs = [fill(call.input, names) for call in calls]
    return Turn(
        think=_afterthought(frame) + render(step.think, names),
        thinking_tokens=step.thinking_tokens,
        say=render(step.say, names),
        calls=tuple(_made(frame, call.tool, given) for call, given in zip(calls, inputs, strict=True)),
        state=replace(state, played=frame, agenda=state.agenda[1:]),
        key=frame.key,
        fault=step.fault,
        sandbox_fault=step.sandbox_fault,
    )


def _afterthought(frame: Frame) -> str:
    if frame.read:
        return "I have not seen that file as it is now. "
    if frame.undo:
        return "That change may have been made already. I take it back first, so that it is made only once. "
    return "Once more, with what I have just seen. " if frame.only else ""


def _made(frame: Frame, tool: str, given: ToolInput) -> tuple[str, ToolInput]:
    if frame.read:
        return "read_file", {"path": given["path"]}
    return tool, _undone(given) if frame.undo else given


def _undone(edit: ToolInput) -> ToolInput:
    """The edit that reverses this one."""
    return {**edit, "old_string": edit["new_string"], "new_string": edit["old_string"]}


def step_at(play: Play, frame: Frame) -> Step:
    """The step a frame points to; raises PlayError if the play has changed and no longer has it."""
    step = _line(play, frame.line).find(frame.step)
    if step is None:
        raise PlayError(f"The play {play.name!r} has no step {frame.key!r} any more.")
    return step


def _line(play: Play, name: str) -> Line:
    kind, _, which = name.partition(":")
    if kind == "aside":
        return ASIDES[which]
    if kind == "note":
        return play.handlers[int(which)].line if int(which) < len(play.handlers) else Line(())
    return play.change if name == "change" and play.change else play.main


def _lines(play: Play) -> Iterator[tuple[str, Line]]:
    yield "main", play.main
    if play.change:
        yield "change", play.change
    yield from ((f"note:{n}", handler.line) for n, handler in enumerate(play.handlers))
    yield from ((f"aside:{name}", line) for name, line in ASIDES.items())


def _hear(play: Play, state: State, notes: tuple[Note, ...]) -> State:
    """Remember the notes that steps wait for, even if those steps have not been reached yet."""
    heard = dict(state.heard)
    for line_name, line in _lines(play):
        for step in line.steps:
            for note in notes:
                if step.until and step.until.fits(note.kind, note.text):
                    heard[f"{line_name}/{step.id}"] = note.text
    return replace(state, heard=heard)


def _still_due(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """The notes, without a wind-down that is followed by a wake: it came too late to act on."""
    woken = max((n for n, note in enumerate(notes) if note.kind == "wake"), default=-1)
    return tuple(note for n, note in enumerate(notes) if n > woken or note.kind != "wind_down")


def _ends_the_day(play: Play, frame: Frame) -> bool:
    """Whether a step belongs to a wind-down; cut short by the night, it must not end the next day's turn."""
    evenings = {f"note:{n}" for n, handler in enumerate(play.handlers) if handler.trigger.kind == "wind_down"}
    return frame.line in {"aside:wind_down", *evenings}


def _interjections(play: Play, notes: tuple[Note, ...]) -> Iterator[Frame]:
    for note in notes:
        for n, handler in enumerate(play.handlers):
            if handler.trigger.fits(note.kind, note.text):
                yield Frame(f"note:{n}", handler.line.steps[0].id, note)
                break
        else:
            if note.kind in asides.NOTES:
                yield Frame(f"aside:{note.kind}", asides.NOTES[note.kind].steps[0].id, note)


def _follow(play: Play, state: State, results: tuple[Result, ...]) -> State:
    """What follows from the results of the last turn."""
    if state.played is None:
        return state
    frame, state = state.played, replace(state, played=None)
    step = step_at(play, frame)
    if step.end:
        waits = step.until is not None and not _is_answered(play, state, frame)
        return _before(state, frame) if waits else _leave(play, state, frame, step)
    if frame.read:
        return state
    if any(result.interrupted for result in results):
        return _resume(state, frame, step, results)
    if any(result.unread for result in results):
        return _read_first(state, frame, results)
    if frame.undo:
        return state
    branch = _branch(play, state, frame, results)
    if branch is not None:
        return _take(play, state, frame, branch)
    if any(result.error for result in results) and not frame.line.startswith("aside:"):
        return _try_again(state, frame, results)
    tries = {key: count for key, count in state.tries.items() if key != frame.key}
    return _leave(play, replace(state, tries=tries), frame, step)


def _branch(play: Play, state: State, frame: Frame, results: tuple[Result, ...]) -> Branch | None:
    """The first branch that matches, leaving out detours that were made often enough."""
    tired = state.tries.get(frame.key, 0) >= MAX_TRIES
    for branch in step_at(play, frame).branches:
        if holds(branch.when, results) and not (tired and _is_detour(play, frame, branch)):
            return branch
    return None


def _take(play: Play, state: State, frame: Frame, branch: Branch) -> State:
    if _is_detour(play, frame, branch):
        tries = {**state.tries, frame.key: state.tries.get(frame.key, 0) + 1}
        detour = replace(frame, step=branch.goto, only=(), origin=frame.step)
        return _before(replace(state, tries=tries), detour)
    return _jump(play, state, frame, branch.goto)


def _is_detour(play: Play, frame: Frame, branch: Branch) -> bool:
    target = _line(play, frame.line).find(branch.goto)
    return target is not None and target.next == RETURN


def _resume(state: State, frame: Frame, step: Step, results: tuple[Result, ...]) -> State:
    """Repeat the calls whose results were lost and those that failed; an interruption is not a failure."""
    if frame == INSPECT:
        return state
    if frame.undo:
        return _before(state, frame)
    asked = frame.only or tuple(range(len(results)))
    failed = tuple(n for n, result in zip(asked, results, strict=False) if result.error)
    again = replace(frame, only=failed)
    lost = [n for n, result in zip(asked, results, strict=False) if result.interrupted]
    edits = tuple(n for n in lost if step.calls[n].tool == "edit_file")
    undo = [replace(frame, only=edits, undo=True)] if edits else []
    return _before(state, INSPECT, *undo, again)


def _read_first(state: State, frame: Frame, results: tuple[Result, ...]) -> State:
    """Read the files that were refused for it, and repeat the calls that failed."""
    asked = frame.only or tuple(range(len(results)))
    named = list(zip(asked, results, strict=False))
    unread = tuple(n for n, result in named if result.unread)
    failed = tuple(n for n, result in named if result.error)
    return _before(state, replace(frame, only=unread, read=True), replace(frame, only=failed))


def holds(condition: Condition, results: tuple[Result, ...]) -> bool:
    """Whether the results meet every part of the condition."""
    chosen = [result for result in results if condition.tool in (None, result.tool)]
    text = "\n".join(result.text for result in chosen)
    exits = EXIT.findall(text)
    return (
        bool(chosen)
        and condition.error in (None, any(result.error for result in chosen))
        and (condition.matches is None or condition.matches.search(text) is not None)
        and (condition.not_matches is None or condition.not_matches.search(text) is None)
        and (condition.exit is None or (bool(exits) and int(exits[-1]) == condition.exit))
    )


def _try_again(state: State, frame: Frame, results: tuple[Result, ...]) -> State:
    """Look around and repeat the calls that failed; after three tries ask the founder first."""
    asked = frame.only or tuple(range(len(results)))
    failed = tuple(n for n, result in zip(asked, results, strict=False) if result.error)
    again = replace(frame, only=failed)
    tries = state.tries.get(frame.key, 0) + 1
    if tries <= MAX_TRIES:
        return _before(replace(state, tries={**state.tries, frame.key: tries}), INSPECT, again)
    problem = next(result.text for result in results if result.error)
    heard = {key: text for key, text in state.heard.items() if key != WAIT_FOR_FOUNDER.key}
    ask = replace(ASK, note=Note("retry", problem.strip()[-500:]))
    return _before(replace(state, tries={**state.tries, frame.key: 0}, heard=heard), ask, again)


def _is_answered(play: Play, state: State, frame: Frame) -> bool:
    return frame.key in state.heard and step_at(play, frame).until is not None


def _leave(play: Play, state: State, frame: Frame, step: Step) -> State:
    """Continue after a step when none of its branches matched."""
    if step.until is not None:
        frame = replace(frame, note=Note(step.until.kind, state.heard.get(frame.key, "")))
    target = _line(play, frame.line).after(step)
    if target == RETURN:
        if frame.origin is None:
            raise PlayError(f"{frame.key!r} returns, but no branch led to it.")
        return _before(state, replace(frame, step=frame.origin, origin=None))
    if target is not None:
        return _jump(play, state, frame, target)
    given_up = frame.key == WAIT_FOR_FOUNDER.key and asides.LEAVE_OUT in state.heard.get(frame.key, "")
    if given_up and state.agenda:
        failed = state.agenda[0]
        return _leave(play, replace(state, agenda=state.agenda[1:]), failed, step_at(play, failed))
    return state


def _jump(play: Play, state: State, frame: Frame, target: str) -> State:
    """Go to a step of the same line, or else of the main line, which then continues from there."""
    if _line(play, frame.line).find(target) is not None:
        return _before(state, Frame(frame.line, target, frame.note))
    agenda = tuple(waiting for waiting in state.agenda if waiting.line != "main")
    return replace(state, agenda=(Frame("main", target, frame.note), *agenda))


def _before(state: State, *frames: Frame) -> State:
    return replace(state, agenda=(*frames, *state.agenda))
