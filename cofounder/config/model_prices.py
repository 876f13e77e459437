"""List prices and end dates of the models a tier may use; one row per model and price date.

Prices are µ$ per million tokens (so $2 is 2_000_000), from the provider's pricing and model pages as read in
November 2026. A model that is not here is refused at start: its spend could not be limited.
"""

from typing import TypedDict


class ModelPrice(TypedDict):
    version: str  # the date since which the price holds
    input: int
    output: int
    cache_write_5m: int
    cache_write_1h: int
    cache_read: int
    retires: str | None  # the day the provider ends the model, if announced


def _price(version: str, input: float, output: float, read: float, retires: str | None = None) -> ModelPrice:
    """Cache writes cost 1.25 and 2 times the input, on every model of the table."""
    return {
        "version": version,
        "input": round(input * 1_000_000),
        "output": round(output * 1_000_000),
        "cache_write_5m": round(input * 1_250_000),
        "cache_write_1h": round(input * 2_000_000),
        "cache_read": round(read * 1_000_000),
        "retires": retires,
    }


MODEL_PRICES: dict[str, ModelPrice] = {
    "claude-fable-5-2": _price("2026-11-09", 8, 40, 0.20),
    "claude-fable-5-1": _price("2026-10-21", 10, 50, 0.25),
    "claude-opus-5-5": _price("2026-10-21", 4, 20, 0.20),
    "claude-opus-5": _price("2026-10-21", 5, 25, 0.50),
    "claude-sonnet-5-5": _price("2026-10-07", 2, 10, 0.10),
    "claude-sonnet-5": _price("2026-10-07", 2, 10, 0.20),
}
