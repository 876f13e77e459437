"""The result of a benchmark: figures with flat names, limits for some of them, and a text for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    title: str
    figures: Mapping[str, float]
    bars: Mapping[str, float]  # the largest value a figure may have
    text: str

    def missed(self) -> list[str]:
        return [
            f"{name} is {self.figures[name]:.3g}, but may be {bar:g} at most"
            for name, bar in self.bars.items()
            if self.figures[name] > bar
        ]

    def section(self) -> str:
        rows = [
            (name, f"{value:.3g}", f"<= {self.bars[name]:g}" if name in self.bars else "")
            for name, value in self.figures.items()
        ]
        return f"## {self.title}\n\n{self.text}\n\n{table(('figure', 'value', 'bar'), rows)}\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
