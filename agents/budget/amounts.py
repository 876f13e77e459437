"""Amounts of money: integers of µ$, and how people read them."""

from decimal import Decimal
from typing import Any

from jobs.errors import CofounderError

DOLLAR = 1_000_000  # µ$
CENT = DOLLAR // 100
MOST = 100_000 * DOLLAR


def checked(amount: Any) -> int:
    """An amount of µ$ as a person gave it. Raises `CofounderError` for what is no sensible amount."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise CofounderError("An amount is a whole number of micro-dollars.", field="amount_microdollars")
    if abs(amount) > MOST:
        raise CofounderError(
            f"At most {dollars(MOST)} can be moved at once. Is the amount in micro-dollars?",
            field="amount_microdollars",
        )
    return amount


def dollars(amount: int) -> str:
    """µ$ as people read them."""
    return f"${amount / DOLLAR:,.2f}"


def exactly(amount: int) -> str:
    """µ$ of one call in dollars: a cent is too coarse for it."""
    return f"${Decimal(amount) / DOLLAR:,.4f}"


def money(amount: int) -> str:
    """Dollars and cents, for a founder; an amount that would round to zero still shows that it is not."""
    if 0 < amount < CENT:
        return "under $0.01"
    cents = (amount + CENT // 2) // CENT
    return f"${cents // 100:,}.{cents % 100:02d}"
