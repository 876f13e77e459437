"""The ledger for admins: what builds cost by day, founder and model, with the sandboxes' time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from agents.models import AgentSession, DailyBudget, SpendEntry
from cofounder.models import User
from jobs import clock

SPANS = (7, 30, 90, 365)  # days
USUAL_SPAN = 30
MOST_FOUNDERS = 50
GONE = "deleted accounts"
WIDTH, HEIGHT, LEFT, BOTTOM = 1000, 220, 60, 24  # of the chart


@dataclass(frozen=True)
class Bar:
    """One day in the chart, in its own units; `amount` is µ$."""

    day: date
    amount: int
    x: float
    y: float
    width: float
    height: float
    label: str  # below the bar; most have none


@dataclass(frozen=True)
class Total:
    """What one day, founder or model cost: µ$, calls, tokens, and the sandboxes' time where it is known."""

    name: str
    amount: int
    calls: int
    tokens: int
    sandbox: timedelta | None = None


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm("agents.view_spendentry"):
        raise PermissionDenied
    span = span_of(request.GET.get("days", ""))
    today = clock.today()
    begin = today - timedelta(days=span - 1)
    days = by_day(begin)
    context = {
        **admin.site.each_context(request),
        "title": "Ledger",
        "span": span,
        "spans": SPANS,
        "begin": begin,
        "days": days,
        "founders": by_founder(begin),
        "models": by_model(begin),
        "kinds": by_kind(begin),
        "amount": sum(total.amount for total in days),
        "reserved": reserved_on(today),
        "bars": bars({date.fromisoformat(total.name): total.amount for total in days}, begin, span),
        "top": max((total.amount for total in days), default=0),
        "chart": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "floor": HEIGHT - BOTTOM},
    }
    return TemplateResponse(request, "admin/ledger.html", context)


def span_of(given: str) -> int:
    """How many days to show; the default for anything unknown."""
    known = {str(span): span for span in SPANS}
    return known.get(given, USUAL_SPAN)


def by_day(begin: date) -> list[Total]:
    """Newest first."""
    rows = _entries(begin).values("day").annotate(**_sums()).order_by("-day")
    return [_total(row["day"].isoformat(), row) for row in rows]


def by_model(begin: date) -> list[Total]:
    rows = _entries(begin).values("model").annotate(**_sums()).order_by("-amount", "model")
    return [_total(row["model"], row) for row in rows]


def by_kind(begin: date) -> list[Total]:
    """What builds, interviews and reviews cost."""
    rows = _entries(begin).values("kind").annotate(**_sums()).order_by("-amount", "kind")
    return [_total(SpendEntry.Kind(row["kind"]).label, row) for row in rows]


def by_founder(begin: date) -> list[Total]:
    """The founders who cost most, with the sandbox time of the builds they began since then."""
    rows = _entries(begin).values("user").annotate(**_sums()).order_by("-amount", "user")
    shown = list(rows[:MOST_FOUNDERS])
    emails = dict(User.objects.filter(pk__in=[row["user"] for row in shown]).values_list("pk", "email"))
    sessions = AgentSession.objects.filter(
        user__in=[row["user"] for row in shown], created_at__date__gte=begin
    ).values_list("user")
    seconds = dict(sessions.annotate(total=Sum("sandbox_seconds")))
    return [
        _total(emails.get(row["user"], GONE), row, timedelta(seconds=seconds.get(row["user"], 0)))
        for row in shown
    ]


def reserved_on(day: date) -> int:
    """µ$ reserved for calls under way."""
    days = DailyBudget.objects.filter(day=day)
    return int(days.aggregate(total=Sum("reserved_microdollars", default=0))["total"])


def bars(amounts: dict[date, int], begin: date, span: int) -> list[Bar]:
    """The chart's bars, one per day; the most expensive day reaches the top."""
    top = max(amounts.values(), default=0) or 1
    floor, step = HEIGHT - BOTTOM, (WIDTH - LEFT) / span
    every = -(-span // 10)
    return [
        _bar(
            begin + timedelta(days=place), amounts, top, floor, LEFT + place * step, step, place % every == 0
        )
        for place in range(span)
    ]


def _bar(
    day: date, amounts: dict[date, int], top: int, floor: int, x: float, step: float, is_labelled: bool
) -> Bar:
    amount = amounts.get(day, 0)
    height = round(floor * 0.92 * amount / top, 1)
    label = f"{day:%-d %b}" if is_labelled else ""
    return Bar(day, amount, round(x, 1), floor - height, round(step * 0.8, 1), height, label)


def _entries(begin: date) -> Any:
    return SpendEntry.objects.filter(day__gte=begin, status=SpendEntry.Status.SETTLED)


def _sums() -> dict[str, Any]:
    kinds: Sequence[str] = ("input", "output", "cache_write_5m", "cache_write_1h", "cache_read")
    tokens = sum((F(f"{kind}_tokens") for kind in kinds[1:]), F(f"{kinds[0]}_tokens"))
    return {"amount": Sum("cost_microdollars"), "calls": Count("pk"), "tokens": Sum(tokens)}


def _total(name: str, row: dict[str, Any], sandbox: timedelta | None = None) -> Total:
    return Total(name, row["amount"], row["calls"], row["tokens"], sandbox)
