"""Compares two texts line by line, in time that grows with their length and not with its square.

`difflib` alone takes minutes for texts whose lines repeat. Here lines that occur once in both texts are
matched first, and only the short stretches between them are given to it; a long stretch counts as replaced.
"""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

LONGEST_STRETCH = 60  # lines between two matches that are compared in every way

Block = tuple[int, int, int]  # where equal lines begin in the one and in the other text, and their number


def unified_diff(
    before: Sequence[str],
    after: Sequence[str],
    old_name: str,
    new_name: str,
    *,
    context: int = 3,
    line_end: str = "",
) -> Iterator[str]:
    """The lines of a unified diff. `line_end` is added to its headings; texts keep the ends they have."""
    for number, group in enumerate(_Comparison(before, after).get_grouped_opcodes(context)):
        if number == 0:
            yield f"--- {old_name}{line_end}"
            yield f"+++ {new_name}{line_end}"
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@{line_end}"
        for tag, a_from, a_to, b_from, b_to in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[a_from:a_to])
            else:
                yield from (f"-{line}" for line in before[a_from:a_to])
                yield from (f"+{line}" for line in after[b_from:b_to])


def _range(start: int, end: int) -> str:
    """A hunk's range: lines count from 1, an empty one names the line before it."""
    if end - start == 1:
        return f"{start + 1}"
    return f"{start + 1 if end > start else start},{end - start}"


class _Comparison(difflib.SequenceMatcher[str]):
    """A matcher whose matching blocks are found in bounded time."""

    def __init__(self, before: Sequence[str], after: Sequence[str]) -> None:
        super().__init__(autojunk=False)
        self.a, self.b = before, after

    def get_matching_blocks(self) -> list[difflib.Match]:
        blocks: list[Block] = []
        for block in sorted(_blocks(self.a, self.b)):
            if (
                blocks
                and blocks[-1][0] + blocks[-1][2] == block[0]
                and blocks[-1][1] + blocks[-1][2] == block[1]
            ):
                blocks[-1] = (*blocks[-1][:2], blocks[-1][2] + block[2])
            else:
                blocks.append(block)
        return [difflib.Match(*block) for block in [*blocks, (len(self.a), len(self.b), 0)]]


def _blocks(before: Sequence[str], after: Sequence[str]) -> Iterator[Block]:
    """Equal stretches: the common ends, the anchors, and what lies between them."""
    head = _common(zip(before, after, strict=False))
    most = min(len(before), len(after)) - head
    tail = _common(zip(before[: -most - 1 : -1], after[: -most - 1 : -1], strict=False)) if most else 0
    if head:
        yield 0, 0, head
    if tail:
        yield len(before) - tail, len(after) - tail, tail
    a_end, b_end = len(before) - tail, len(after) - tail
    a_at, b_at = head, head
    for a, b in [*_anchors(before[head:a_end], after[head:b_end], head), (a_end, b_end)]:
        yield from _stretch(before, after, (a_at, a), (b_at, b))
        if a < a_end:
            yield a, b, 1
        a_at, b_at = a + 1, b + 1


def _common(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _anchors(before: Sequence[str], after: Sequence[str], offset: int) -> list[tuple[int, int]]:
    """Lines that occur once in each text, as many as come in the same order in both."""
    old, new = Counter(before), Counter(after)
    places = {line: at for at, line in enumerate(after) if new[line] == 1}
    pairs = [(at, places[line]) for at, line in enumerate(before) if old[line] == 1 and line in places]
    return [(a + offset, b + offset) for a, b in _rising(pairs)]


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest part of the pairs whose second numbers rise as well, found by patience sorting."""
    tops: list[int] = []
    top_pairs: list[int] = []
    before: list[int] = []
    for number, (_, b) in enumerate(pairs):
        pile = bisect_left(tops, b)
        before.append(top_pairs[pile - 1] if pile else -1)
        tops[pile : pile + 1], top_pairs[pile : pile + 1] = [b], [number]
    found: list[tuple[int, int]] = []
    number = top_pairs[-1] if top_pairs else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _stretch(
    before: Sequence[str], after: Sequence[str], old: tuple[int, int], new: tuple[int, int]
) -> Iterator[Block]:
    """Equal lines between two anchors."""
    a, b = before[slice(*old)], after[slice(*new)]
    head = _common(zip(a, b, strict=False))
    if head:
        yield old[0], new[0], head
        a, b = a[head:], b[head:]
    most = min(len(a), len(b))
    tail = _common(zip(a[::-1], b[::-1], strict=False)) if most else 0
    if tail:
        yield old[1] - tail, new[1] - tail, tail
        a, b = a[: len(a) - tail], b[: len(b) - tail]
    if a and b and max(len(a), len(b)) <= LONGEST_STRETCH:
        for match in difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
            if match.size:
                yield old[0] + head + match.a, new[0] + head + match.b, match.size
