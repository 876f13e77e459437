"""The position in a play. It travels in the signatures the client sends back; the server stores nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """A note to the model, as it arrived."""

    kind: str
    text: str


@dataclass(frozen=True)
class Frame:
    """A step that is being played or waits to be played.

    `only` lists the calls to repeat on another try; `origin` is the step to return to from a detour;
    `undo` reverses the step's edits, which may have been made before an interruption; `read` only reads the
    files it changes.
    """

    line: str
    step: str
    note: Note | None = None
    only: tuple[int, ...] = ()
    origin: str | None = None
    undo: bool = False
    read: bool = False

    @property
    def key(self) -> str:
        return f"{self.line}/{self.step}"


@dataclass(frozen=True)
class State:
    """`played` is the turn whose results are due (None: none are); `agenda` is what follows, next first."""

    play: str
    played: Frame | None
    agenda: tuple[Frame, ...]
    tries: Mapping[str, int] = field(default_factory=dict)
    """How often a step failed, by its key."""
    heard: Mapping[str, str] = field(default_factory=dict)
    """The notes that waiting steps waited for, by the step's key."""

    def to_json(self) -> dict[str, Any]:
        return {
            "play": self.play,
            "played": _frame_to_json(self.played) if self.played else None,
            "agenda": [_frame_to_json(frame) for frame in self.agenda],
            "tries": dict(self.tries),
            "heard": dict(self.heard),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "State":
        return cls(
            play=data["play"],
            played=_frame_from_json(data["played"]) if data["played"] else None,
            agenda=tuple(_frame_from_json(frame) for frame in data["agenda"]),
            tries=data["tries"],
            heard=data["heard"],
        )


def _frame_to_json(frame: Frame) -> list[Any]:
    note = [frame.note.kind, frame.note.text] if frame.note else None
    return [frame.line, frame.step, note, list(frame.only), frame.origin, frame.undo, frame.read]


def _frame_from_json(data: list[Any]) -> Frame:
    line, step, note, only, origin, undo, *read = data
    return Frame(line, step, Note(*note) if note else None, tuple(only), origin, undo, any(read))
