"""Money, time and prose in words."""

from datetime import timedelta

import pytest

from agents.budget.amounts import money
from cofounder.pages import figures, markup


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0, "$0.00"), (1, "under $0.01"), (10_000, "$0.01"), (1_234_567_890, "$1,234.57"), (995_000, "$1.00")],
)
def test_money(amount: int, words: str) -> None:
    assert money(amount) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (4_320, "1 h 12 min"), (180_000, "2 d 2 h")],
)
def test_duration(seconds: int, words: str) -> None:
    assert figures.duration(timedelta(seconds=seconds)) == words


def test_prose_keeps_paragraphs_lists_and_code_apart() -> None:
    html = markup.to_html("# Title\nOne\n- a\n- b\n\n```\n<x>\n```\n1. first")
    assert html == (
        "<h4>Title</h4><p>One</p><ul><li>a</li><li>b</li></ul><pre>&lt;x&gt;</pre><ol><li>first</li></ol>"
    )


def test_prose_is_never_markup() -> None:
    assert "<img" not in markup.to_html("`<img src=x onerror=y>` **<b>**")
