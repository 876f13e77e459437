"""What a plan and a subscription may hold: one clear sentence for everything that could not work."""

from datetime import date, time
from zoneinfo import available_timezones

from agents.budget import prices
from agents.budget.allowance import LEAST_MAX_TOKENS, a_month_later
from agents.budget.amounts import MOST, dollars
from jobs.errors import CofounderError

LONGEST_PERIOD = 31  # days
FIRST_INPUT = 12_000  # tokens: the prompt and the tools of a build's first call, at most
MOST_TOOL_CALLS = 10_000


def check_budget(amount: int, model: str, today: date, *, field: str) -> None:
    """A month's money (µ$) must pay for at least one call of the model a day."""
    if amount <= 0:
        raise CofounderError(
            "A month's budget must be more than $0. To stop a founder's builds, suspend the subscription.",
            field=field,
        )
    if amount > MOST:
        raise CofounderError(f"A month's budget is {dollars(MOST)} at most.", field=field)
    call = least_call(model, today)
    if amount // LONGEST_PERIOD < call:
        raise CofounderError(
            f"A day of it would be {dollars(amount // LONGEST_PERIOD)}, and one call of {model} may cost "
            f"{dollars(call)}: the agent could never work. Give at least {dollars(call * LONGEST_PERIOD)}.",
            field=field,
        )


def least_call(model: str, today: date) -> int:
    """The worst case (µ$) of the first call of a build. Raises `UnknownModel`."""
    return prices.price_of(model, today).worst_case(FIRST_INPUT, LEAST_MAX_TOKENS)


def check_model(model: str, today: date, *, field: str) -> None:
    try:
        prices.price_of(model, today)
    except prices.UnknownModel as error:
        raise CofounderError(str(error), field=field) from error


def check_tool_calls(number: int, *, field: str) -> None:
    if not 1 <= number <= MOST_TOOL_CALLS:
        raise CofounderError(f"Between 1 and {MOST_TOOL_CALLS} tool calls.", field=field)


def check_renewal(renews_on: date, today: date) -> None:
    """The budget is a month's, so a period is a month at most."""
    if renews_on <= today:
        raise CofounderError(
            f"The renewal must lie ahead: tomorrow at the earliest. Today is {today:%-d %B %Y}.",
            field="renews_on",
        )
    if renews_on > (latest := a_month_later(today)):
        raise CofounderError(
            f"The budget is for a month, so it renews on {latest:%-d %B %Y} at the latest.",
            field="renews_on",
        )


def check_quiet_hours(quiet_from: time | None, quiet_until: time | None, time_zone: str) -> None:
    """Both ends or neither, and not the same; local times of a zone that there is."""
    if (quiet_from is None) != (quiet_until is None):
        missing = "quiet_from" if quiet_from is None else "quiet_until"
        raise CofounderError("Quiet hours need both a beginning and an end.", field=missing)
    if quiet_from is not None and quiet_from == quiet_until:
        raise CofounderError(
            "Quiet hours that end when they begin are none. Leave both empty instead.", field="quiet_until"
        )
    if time_zone not in available_timezones():
        raise CofounderError(
            f"There is no time zone called “{time_zone}”. Write it as in Europe/Berlin.", field="time_zone"
        )
