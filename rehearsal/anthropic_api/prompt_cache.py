"""The prompt cache: which parts of a prompt are read, written or neither, by exact prefix."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rehearsal.anthropic_api.catalogue import Model
from rehearsal.anthropic_api.prompt import Segment

LOOK_BACK = 20
SECONDS = {"5m": 300, "1h": 3600}
MAX_ENTRIES = 20_000


@dataclass(frozen=True)
class InputUse:
    """How a prompt is billed; the four numbers add up to all its tokens."""

    input: int = 0
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0

    @property
    def total(self) -> int:
        return self.input + self.read + self.write_5m + self.write_1h


@dataclass
class _Entry:
    ttl: str
    expires: float


class PromptCache:
    """What each API key has cached; `now` is the clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[str, _Entry] = {}

    def use(self, api_key: str, model: Model, prompt: list[Segment]) -> InputUse:
        """Account for a prompt: read its longest cached prefix, write up to its last breakpoint."""
        digests = list(_digests(f"{api_key}\n{model.id}", prompt))
        totals = list(_running_totals(prompt))
        marks = [n for n, s in enumerate(prompt) if s.ttl and totals[n] >= model.cache_minimum]
        hit = self._longest_hit(digests, marks)
        for n in marks:
            self._write(digests[n], prompt[n].ttl or "5m")
        return _split(prompt, totals, marks, hit)

    def _longest_hit(self, digests: list[str], marks: list[int]) -> int:
        """The last segment of the longest cached prefix, or -1; reading a prefix extends its lifetime."""
        now = self._now()
        for mark in reversed(marks):
            for n in range(mark, max(mark - LOOK_BACK, -1), -1):
                entry = self._entries.get(digests[n])
                if entry and entry.expires > now:
                    entry.expires = now + SECONDS[entry.ttl]
                    return n
        return -1

    def _write(self, digest: str, ttl: str) -> None:
        now = self._now()
        kept = self._entries.get(digest)
        if kept and kept.expires > now and SECONDS[kept.ttl] >= SECONDS[ttl]:
            kept.expires = now + SECONDS[kept.ttl]
            return
        if len(self._entries) >= MAX_ENTRIES:
            self._entries = {key: entry for key, entry in self._entries.items() if entry.expires > now}
        self._entries[digest] = _Entry(ttl, now + SECONDS[ttl])


def _split(prompt: list[Segment], totals: list[int], marks: list[int], hit: int) -> InputUse:
    """Read up to the hit, write 1h up to the last 1h mark, 5m up to the last mark; the rest is uncached."""
    read = totals[hit] if hit >= 0 else 0
    hour_end = max((totals[n] for n in marks if prompt[n].ttl == "1h"), default=0)
    cached_end = max((totals[n] for n in marks), default=0)
    write_1h = max(hour_end - read, 0)
    write_5m = max(cached_end - max(read, hour_end), 0)
    total = totals[-1] if totals else 0
    return InputUse(total - read - write_1h - write_5m, read, write_5m, write_1h)


def _digests(seed: str, prompt: list[Segment]) -> Iterator[str]:
    running = hashlib.sha256(seed.encode())
    for segment in prompt:
        source = segment.source.encode()
        running.update(f"\n{len(source)}\n".encode() + source)
        yield running.hexdigest()


def _running_totals(prompt: list[Segment]) -> Iterator[int]:
    total = 0
    for segment in prompt:
        total += segment.tokens
        yield total
