"""A diff applied to the one text gives the other, and is empty only for equal texts."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agents.line_diff import unified_diff

texts = st.lists(st.sampled_from("abcdefg"), max_size=90)


def applied(before: Sequence[str], diff: Sequence[str]) -> list[str]:
    after: list[str] = []
    at = 0
    for line in diff[2:]:
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            begin = int(start) - (count != "0")
            after += before[at:begin]
            at = begin
        elif line[0] == "+":
            after.append(line[1:])
        else:
            assert before[at] == line[1:]
            at += 1
            if line[0] == " ":
                after.append(line[1:])
    return [*after, *before[at:]]


@given(texts, texts)
def test_a_diff_leads_from_the_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    diff = list(unified_diff(before, after, "old", "new"))
    assert bool(diff) == (before != after)
    assert applied(before, diff) == after


def test_a_change_is_shown_with_its_surroundings() -> None:
    before = [str(number) for number in range(20)]
    after = [*before[:10], "new", *before[11:]]
    diff = list(unified_diff(before, after, "a", "b", context=1, line_end="\n"))
    assert diff == ["--- a\n", "+++ b\n", "@@ -10,3 +10,3 @@\n", " 9", "-10", "+new", " 11"]
