"""The figures on the admin's first page. A further one is a function in `FIGURES`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractUser
from django.urls import reverse

from agents.failures.waiting import Waiting, for_the_operator
from agents.models import SessionState
from jobs.admin_base import ago


@dataclass(frozen=True)
class Figure:
    """One line: what is counted, the figure, what it means or asks for, and where the rows are."""

    name: str
    value: str
    said: str
    address: str
    is_alarm: bool = False


def figures(user: AbstractUser) -> list[Figure]:
    """Those that this person may see."""
    return [figure for right, make in FIGURES if user.has_perm(right) for figure in make()]


def builds_that_wait() -> Iterator[Figure]:
    """How many builds wait for the operator, what for, and since when."""
    waiting = for_the_operator()
    if not waiting:
        yield Figure("Builds that wait for you", "0", "Nothing is to be mended.", _sessions({}))
    for kind in waiting:
        yield _waiting(kind)


def _waiting(kind: Waiting) -> Figure:
    since = (
        f" The first has waited since {kind.since:%-d %b %H:%M} UTC ({ago(kind.since)})."
        if kind.since
        else ""
    )
    rows = {"state__exact": SessionState.SLEEPING.value, "trouble": kind.trouble.value}
    return Figure(
        "Builds that wait for you", str(kind.builds), f"{kind.fix}{since}", _sessions(rows), is_alarm=True
    )


def _sessions(rows: dict[str, str]) -> str:
    address = reverse("admin:agents_agentsession_changelist")
    return f"{address}?{urlencode(rows)}" if rows else address


# The permission that a figure needs, and what makes it.
FIGURES: tuple[tuple[str, Callable[[], Iterator[Figure]]], ...] = (
    ("agents.view_agentsession", builds_that_wait),
)
