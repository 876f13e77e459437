"""What the rehearsal model reads from the prompt: what the founder wants, and notes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BLOCK = re.compile(r"<founder_input>\s*(\{.*?\})\s*</founder_input>", re.DOTALL)
NOTE = re.compile(r'<note kind="(?P<kind>\w+)">(?P<text>.*?)</note>', re.DOTALL)


@dataclass(frozen=True)
class FounderInput:
    project: str
    goal: str = ""
    brief: Mapping[str, Any] = field(default_factory=dict)
    interview: tuple[Mapping[str, Any], ...] = ()
    change: str = ""
    """What a build of a finished product is for."""

    @property
    def must_have(self) -> list[str]:
        """The brief's must_have as a list of strings, whatever form the founder gave it."""
        wanted = self.brief.get("must_have") or []
        return [str(item) for item in wanted] if isinstance(wanted, list) else [str(wanted)]


def founder_input(system: str) -> FounderInput | None:
    """Read the `<founder_input>` block of a system prompt; None when there is none that can be parsed."""
    match = BLOCK.search(system)
    if match is None:
        return None
    try:
        data = json.loads(match.group(1))
    except json.JSONDecodeError:
        return None
    return FounderInput(
        project=str(data.get("project", "")),
        goal=str(data.get("goal", "")),
        brief=data.get("idea_brief") if isinstance(data.get("idea_brief"), dict) else {},
        interview=tuple(item for item in data.get("interview") or () if isinstance(item, dict)),
        change=str(data.get("change") or ""),
    )
