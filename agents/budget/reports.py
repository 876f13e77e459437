"""What a build and a founder's day have cost, read from the ledger. Amounts are µ$."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from agents.budget import ledger
from agents.budget.allowance import budget_pct, daily_allowance
from agents.budget.forecast import Pace, Progress, forecast
from agents.models import DailyBudget, SpendEntry, Subscription
from jobs import clock
from jobs.models import Job, Phase

EXAMPLE_TOP_UP = 20_000_000  # what a forecast is also made for

TOKENS = [
    "input_tokens",
    "output_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
]


def spend_of(job: Job) -> dict[str, Any]:
    """A job's settled calls, by day and by phase; `used_pct` is the day's share without a cap."""
    entries = SpendEntry.objects.filter(session=job.pk, status=SpendEntry.Status.SETTLED)
    sums = {name: Coalesce(Sum(name), 0) for name in (*TOKENS, "cost_microdollars")}
    retries = entries.filter(is_retry=True).aggregate(cost=Coalesce(Sum("cost_microdollars"), 0))
    today = day_of(job.project.owner_id)
    return {
        "job_id": job.pk,
        **entries.aggregate(calls=Count("pk"), **sums),
        "retry_cost_microdollars": retries["cost"],
        "by_day": _grouped(job.pk, "day"),
        "by_phase": _grouped(job.pk, "phase"),
        "today": today,
        "forecast": forecast_of(job, today),
    }


def forecast_of(job: Job, today: dict[str, Any]) -> dict[str, Any] | None:
    """When the build will be ready at the pace of `today`; None when it is over or too early to say."""
    subscription = find_subscription(job.project.owner_id)
    if job.is_over or subscription is None:
        return None
    pace = Pace(
        room_today=today["allowance_microdollars"] - today["spent_microdollars"],
        allowance=today["allowance_microdollars"],
        days_left=(subscription.renews_on - today["day"]).days,
    )
    found = forecast(progress_of(job), pace, today=today["day"], top_up=EXAMPLE_TOP_UP)
    return asdict(found) if found else None


def progress_of(job: Job) -> Progress:
    """How far the build is, as its plan and the ledger say."""
    phases = list(job.phases.all())
    under_way = [phase.name for phase in phases if phase.status == Phase.Status.WORKING]
    settled = SpendEntry.objects.filter(session=job.pk, status=SpendEntry.Status.SETTLED)
    cost = Coalesce(Sum("cost_microdollars"), 0)
    return Progress(
        phases=len(phases),
        done=sum(phase.status == Phase.Status.DONE for phase in phases),
        spent=settled.aggregate(cost=cost)["cost"],
        spent_in_phase=settled.filter(phase__in=under_way).aggregate(cost=cost)["cost"],
    )


def _grouped(job_id: UUID, name: str) -> list[dict[str, Any]]:
    entries = SpendEntry.objects.filter(session=job_id, status=SpendEntry.Status.SETTLED)
    retries = Sum("cost_microdollars", filter=Q(is_retry=True), default=0)
    groups = entries.order_by().values(name)
    sums = groups.annotate(retry_cost_microdollars=retries, cost_microdollars=Sum("cost_microdollars"))
    return list(sums.order_by(name))


def day_of(user_id: UUID) -> dict[str, Any]:
    """The founder's UTC day. Before its first call the allowance is the one it would get."""
    row = ledger.today_of(user_id) or _untouched_day(user_id)
    spent, allowance = row.spent_microdollars, row.allowance_microdollars
    return {
        "day": row.day,
        "allowance_microdollars": allowance,
        "spent_microdollars": spent,
        "reserved_microdollars": row.reserved_microdollars,
        "budget_pct": budget_pct(spent, allowance) if row.pk else 0,
        "used_pct": 100 * spent // allowance if allowance else None,
    }


def _untouched_day(user_id: UUID) -> DailyBudget:
    today = clock.today()
    subscription = find_subscription(user_id)
    allowance = 0
    if subscription is not None:
        remaining = ledger.remaining_in_period(subscription, today)
        allowance = daily_allowance(remaining, (subscription.renews_on - today).days)
    return DailyBudget(user_id=user_id, day=today, allowance_microdollars=allowance)


def find_subscription(user_id: UUID) -> Subscription | None:
    """The founder's subscription, suspended or not."""
    return Subscription.objects.select_related("tier").filter(user=user_id).first()


def budget_of(user: AbstractUser) -> dict[str, Any]:
    """The founder's day and period."""
    day, subscription = day_of(user.pk), find_subscription(user.pk)
    if subscription is None:
        return {
            **day,
            "period_budget_microdollars": 0,
            "period_remaining_microdollars": 0,
            "renews_on": None,
        }
    remaining = ledger.remaining_in_period(subscription, clock.today()) - day["spent_microdollars"]
    return {
        **day,
        "period_budget_microdollars": subscription.monthly_budget_microdollars,
        "period_remaining_microdollars": max(0, remaining),
        "renews_on": subscription.renews_on,
    }
