from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from agents.budget.prices import UnknownModel, price_of
from agents.usage import Usage

TODAY = date(2026, 11, 21)
SONNET = "claude-sonnet-5-5"
tokens = st.integers(0, 1_000_000)


def test_the_four_kinds_of_tokens_cost_what_the_list_says() -> None:
    usage = Usage(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000)
    assert price_of(SONNET, TODAY).cost(usage) == 2_000_000 + 10_000_000 + 2_500_000 + 4_000_000 + 100_000


def test_a_fraction_of_a_microdollar_is_rounded_up() -> None:
    assert price_of(SONNET, TODAY).cost(Usage(cache_read_tokens=1)) == 1


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownModel, match="claude-sonnet-5-5"):
        price_of("claude-2", TODAY)


def test_a_model_that_the_provider_ended_is_refused(settings: Settings) -> None:
    ended = {**settings.MODEL_PRICES[SONNET], "retires": "2026-11-21"}
    settings.MODEL_PRICES = {SONNET: ended}
    with pytest.raises(UnknownModel, match="retired"):
        price_of(SONNET, TODAY)


@given(tokens, tokens, tokens, tokens)
def test_the_worst_case_covers_every_way_the_input_may_be_billed(
    plain: Any, written: Any, read: Any, output: Any
) -> None:
    price = price_of(SONNET, TODAY)
    usage = Usage(plain, output, written, 0, read)
    assert price.cost(usage) <= price.worst_case(plain + written + read, output)


@given(tokens, st.integers(0, 100_000_000))
def test_the_output_that_fits_does_fit_and_one_more_token_does_not(size: Any, room: Any) -> None:
    price = price_of(SONNET, TODAY)
    fits = price.output_that_fits(size, room)
    if fits >= 0:
        assert price.worst_case(size, fits) <= room < price.worst_case(size, fits + 1)
