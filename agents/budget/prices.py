"""The cost of model calls, in integer µ$, rounded up."""

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from agents.usage import Usage
from jobs.errors import CofounderError

MILLION = 1_000_000


class UnknownModel(CofounderError):
    """No price is configured for this model, so a build cannot use it."""


class ModelEnded(UnknownModel):
    """The provider no longer offers this model."""


@dataclass(frozen=True)
class Price:
    """A model's prices in µ$ per million tokens, by kind of token."""

    version: str
    input: int
    output: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int

    def cost(self, usage: Usage) -> int:
        """The cost in µ$ of a call with this usage."""
        return _round_up(
            usage.input_tokens * self.input
            + usage.output_tokens * self.output
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
            + usage.cache_read_tokens * self.cache_read
        )

    def worst_case(self, input_tokens: int, max_tokens: int) -> int:
        """The most a call can cost, in µ$: all input written to the 5-minute cache, all output used."""
        return _round_up(input_tokens * self.cache_write_5m + max_tokens * self.output)

    def output_that_fits(self, input_tokens: int, room: int) -> int:
        """How many output tokens `room` µ$ can pay for after the most the input can cost; may be negative."""
        return (room * MILLION - input_tokens * self.cache_write_5m) // self.output


def _round_up(millionths: int) -> int:
    return -(-millionths // MILLION)


def price_of(model: str, today: date) -> Price:
    """The model's prices. Raises `UnknownModel` if there are none, `ModelEnded` if the model is retired."""
    row = settings.MODEL_PRICES.get(model)
    if row is None:
        known = ", ".join(sorted(settings.MODEL_PRICES))
        raise UnknownModel(f"No price is configured for the model {model!r}. Use one of: {known}.")
    if row["retires"] and today >= date.fromisoformat(row["retires"]):
        raise ModelEnded(f"The provider retired the model {model!r} on {row['retires']}. Choose another.")
    return Price(
        version=row["version"],
        input=row["input"],
        output=row["output"],
        cache_write_5m=row["cache_write_5m"],
        cache_write_1h=row["cache_write_1h"],
        cache_read=row["cache_read"],
    )
