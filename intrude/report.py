"""What was tried, by kind, and what was found, as sentences."""

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

MOST_OF_A_KIND = 20  # findings shown of each kind


@dataclass
class Report:
    tried: Counter[str] = field(default_factory=Counter)
    limited: Counter[str] = field(default_factory=Counter)  # answered 429: the wall behind it was not reached
    findings: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what could not be tried, and why
    _lock: Lock = field(default_factory=Lock)

    def attempt(self, kind: str, status: int = 0) -> None:
        with self._lock:
            self.tried[kind] += 1
            self.limited[kind] += status == 429

    def found(self, kind: str, sentence: str) -> None:
        with self._lock:
            if (kind, sentence) not in self.findings:
                self.findings.append((kind, sentence))

    def expect(self, kind: str, is_so: object, sentence: str, status: int = 0) -> None:
        """One attempt, and a finding if it was not turned away."""
        self.attempt(kind, status)
        if not is_so:
            self.found(kind, sentence)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def lines(self) -> list[str]:
        ways = Counter(kind for kind, _ in self.findings)
        lines = [f"{'tried':>7} {'limited':>8} {'found':>6}"]
        lines += [f"{self.tried[k]:7} {self.limited[k]:8} {ways[k]:6}  {k}" for k in self.tried]
        lines += [f"{self.tried.total():7} {self.limited.total():8} {len(self.findings):6}  in all", ""]
        for kind in ways:
            told = [sentence for of, sentence in self.findings if of == kind]
            lines += [f"FOUND ({kind}): {sentence}" for sentence in told[:MOST_OF_A_KIND]]
            if len(told) > MOST_OF_A_KIND:
                lines.append(f"FOUND ({kind}): and {len(told) - MOST_OF_A_KIND} more of this kind")
        return lines + [f"NOT TRIED: {sentence}" for sentence in self.notes]
