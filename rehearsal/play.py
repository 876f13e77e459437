"""A play: what the rehearsal model thinks, says and calls, written in `rehearsal/plays/<folder>/play.yaml`.

`files/` beside `play.yaml` holds what the play writes into the sandbox; files that several plays use are
in `rehearsal/plays/_shared/files/`. `python -m rehearsal.check` loads all plays and reports what is wrong.

    name: borrow-shelf              # unique among the plays
    project: "Borrow Shelf"         # the project that gets it, in any letter case; "*" is for all others
    steps:                          # the main line, played from the top
      - id: plan                    # unique within its line
        think: "What I think"       # each turn has a thinking block
        thinking_tokens: 900        # optional: output tokens it is billed as (at least those of its text)
        say: "Two parts, then."     # optional text block
        call:                       # the tool calls of this turn, one mapping for each
          - plan: {phases: [{name: "Shelf", goal: "Things can be listed"}]}
          - write_file: {path: app.py, content: {file: app.py}}
        on:                         # when the results arrive, the first matching branch decides what is next
          - when: {error: true, matches: "No module", exit: 1, tool: bash}
            goto: fix-it
        next: look                  # optional; otherwise the step below this one; `return` is the step whose
                                    # branch led here: three times at most, then that branch is skipped
        fault: {kind: overloaded}   # optional: how the first request for this step fails (rehearsal/fault.py)
        sandbox_fault: {kind: server_error, on: timeout}   # optional: how the sandbox's provider fails once
                                    # this step was answered the first time (rehearsal/e2b_api/fault.py)
      - id: wait                    # a turn without tool calls: stop_reason end_turn
        think: "Nothing else is left."
        say: "I wait for your answer."
        end: true                   # ends the line; with `next` it continues there at the following request
        until: {note: answer, matches: "keep_it"}   # optional: repeated until such a note has come; skipped
        next: finish                #   when one has come before; `matches` is optional
    change: [...]                   # optional: the main line of a build for a change; without it the model
                                    # says that it cannot do that (rehearsal/asides.py)
    notes:                          # interjections, played when such a note comes; then the line continues
      - kind: wind_down             # one of NOTE_KINDS below
        matches: "regex"            # optional, searched in the note's text; the first match plays
        steps: [...]                # same format; the last one may be `end: true`; `next` and `goto` may name
                                    # a step of the main line, which then continues from there

All conditions of `when` must hold. `tool` keeps the results of that tool only; `error` asks whether any
of them is an error, `matches` / `not_matches` search their joined text (multi-line), `exit` is the code
in the last `[exit N]` line. After an error that no branch expects, the model looks around and repeats the
failed calls, three times at most; then it asks the founder and waits. A turn that lost a result in an
interruption takes no branch and does not count as failed: the model looks around and repeats the lost and
the failed calls, after undoing edits that may have been made. Notes of the kinds `message`, `answer`,
`wind_down` and `checks_failed` have a built-in interjection (rehearsal/asides.py), used when the play has
no handler for them.

In a call's input `{file: X}` stands for the text of `files/X`, `{template: X}` for `files/X` rendered by
jinja2.
Every other string may contain jinja2 expressions too. An undefined name is an error. Variables: `project`
(its name), `goal`, `brief` (mapping), `interview` (list of question/answer), `must_have` (list of
strings), `results` (texts of the tool results that just arrived, in order), `note` (in an interjection:
`kind`, `text` and `data`, the note's JSON object or an empty mapping; elsewhere it is empty).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rehearsal.e2b_api.fault import Fault as SandboxFault
from rehearsal.fault import Fault

NOTE_KINDS = frozenset(
    {
        *("start", "wind_down", "wake", "steer", "answer", "message", "retry", "checks_failed"),
        *("resumed", "night", "decisions", "escalated"),
    }
)
RETURN = "return"
"""As a step's `next`: back to the step whose branch led here."""


class PlayError(Exception):
    """The play is invalid."""


@dataclass(frozen=True)
class Call:
    """One tool call; strings of `input` are still templates, files are already read."""

    tool: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Text:
    """The text of a file, verbatim or (template) to be rendered later."""

    source: str
    template: bool


@dataclass(frozen=True)
class Condition:
    """What the results must look like; None means no condition."""

    error: bool | None = None
    matches: re.Pattern[str] | None = None
    not_matches: re.Pattern[str] | None = None
    exit: int | None = None
    tool: str | None = None


@dataclass(frozen=True)
class Branch:
    when: Condition
    goto: str


@dataclass(frozen=True)
class NoteMatch:
    """Which notes are meant: of this kind and, if `matches` is given, with matching text."""

    kind: str
    matches: re.Pattern[str] | None = None

    def fits(self, kind: str, text: str) -> bool:
        return kind == self.kind and (self.matches is None or self.matches.search(text) is not None)


@dataclass(frozen=True)
class Step:
    """One turn of the model."""

    id: str
    think: str
    thinking_tokens: int = 0
    say: str = ""
    calls: tuple[Call, ...] = ()
    branches: tuple[Branch, ...] = ()
    next: str | None = None
    end: bool = False
    until: NoteMatch | None = None
    fault: Fault | None = None
    sandbox_fault: SandboxFault | None = None


@dataclass(frozen=True)
class Line:
    """A sequence of steps."""

    steps: tuple[Step, ...]

    def find(self, step_id: str) -> Step | None:
        return next((step for step in self.steps if step.id == step_id), None)

    def after(self, step: Step) -> str | None:
        """The id of the step that follows when no branch matches; None at the end of the line."""
        if step.next is not None or step.end:
            return step.next
        position = self.steps.index(step) + 1
        return self.steps[position].id if position < len(self.steps) else None


@dataclass(frozen=True)
class Handler:
    """An interjection: the steps to play when a note of this kind comes."""

    trigger: NoteMatch
    line: Line


@dataclass(frozen=True)
class Play:
    name: str
    project: str
    main: Line
    handlers: tuple[Handler, ...] = ()
    change: Line | None = None


@dataclass(frozen=True)
class Library:
    """All plays; the one for "*" is for every project without its own play."""

    plays: tuple[Play, ...] = ()

    def named(self, name: str) -> Play:
        for play in self.plays:
            if play.name == name:
                return play
        raise PlayError(f"There is no play named {name!r}.")

    def for_project(self, project: str) -> Play:
        wanted = project.strip().casefold()
        for name in (wanted, "*"):
            for play in self.plays:
                if play.project.strip().casefold() == name:
                    return play
        raise PlayError(f"No play fits the project {project!r}, and there is none for '*'.")
