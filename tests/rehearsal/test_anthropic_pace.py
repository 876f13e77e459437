"""The pace of a stream: a turn at pace 1 lasts one to two seconds, whatever its size."""

import pytest

from rehearsal.anthropic_api.sending import duration


@pytest.mark.parametrize("tokens", [0, 50, 1_000, 100_000])
def test_a_turn_at_pace_one_lasts_one_to_two_seconds(tokens: int) -> None:
    assert 1 <= duration(tokens, 1.0) <= 2


def test_pace_zero_answers_at_once() -> None:
    assert duration(100_000, 0.0) == 0
