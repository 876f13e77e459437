"""What founders do with their money: set today's limit, and top up where that is allowed."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from agents.actions.money import set_today
from agents.actions.money import top_up as add_to_period
from agents.budget.amounts import CENT, DOLLAR, money
from cofounder.pages import replies
from cofounder.pages.limits import limited
from cofounder.pages.ownership import founder_of, founders_only
from jobs.errors import CofounderError

AMOUNT = re.compile(r"\$?\s*([0-9]{1,7})(?:[.,]([0-9]{1,2}))?")


@founders_only
@require_POST
@limited("money")
def today(request: HttpRequest) -> HttpResponse:
    """Set what today may cost, within the money of the period."""

    def change(amount: int) -> str:
        day = set_today(founder_of(request), amount, founder_of(request))
        return f"Today may cost {money(day.allowance_microdollars)}."

    return _change(request, change)


@founders_only
@require_POST
@limited("money")
def top_up(request: HttpRequest) -> HttpResponse:
    """Add money to the running period."""

    def change(amount: int) -> str:
        day = add_to_period(founder_of(request), amount, by=founder_of(request))
        return f"Added. Today may now cost {money(day.allowance_microdollars)}."

    return _change(request, change)


def may_top_up() -> bool:
    return bool(settings.SELF_SERVICE_TOP_UP)


def read_dollars(text: str) -> int:
    """An amount as a person writes it, in µ$. Raises `CofounderError` for anything else."""
    found = AMOUNT.fullmatch(text.strip())
    if found is None:
        raise CofounderError("Write an amount in dollars, such as 4 or 4.50.", field="dollars")
    dollars, cents = found.groups(default="0")
    return int(dollars) * DOLLAR + int(cents.ljust(2, "0")) * CENT


def _change(request: HttpRequest, change: Callable[[int], str]) -> HttpResponse:
    back = replies.page_of_form(request, otherwise="/settings")
    try:
        sentence = change(read_dollars(request.POST.get("dollars", "")))
    except CofounderError as error:
        return replies.refused(request, error, back)
    return replies.done(request, sentence, back)
