"""What a build will cost before it begins: money and days, from how much it promises. Amounts are in µ$."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.aggregates import Count

from agents.budget import reports, subscriptions
from agents.budget.forecast import Pace, days_for
from agents.budget.prices import MILLION, price_of
from jobs import clock
from jobs.errors import CofounderError
from jobs.models import Job, JobStatus, Promise

USUAL_TOKENS = 150_000  # what a promise costs before an install has built any, in output tokens of the model
ENOUGH_BUILDS = 4  # below, the range is half to double of the middle
BUILDS_LOOKED_AT = 50  # the newest


@dataclass(frozen=True)
class PerPromise:
    """What a promise has cost so far; `builds` is how many builds say so, 0 for the usual figure."""

    low: int
    middle: int
    high: int
    builds: int


@dataclass(frozen=True)
class Estimate:
    """The cost, its range, and the days it takes at the founder's allowance; None if that never suffices."""

    promises: int
    low_microdollars: int
    cost_microdollars: int
    high_microdollars: int
    days: int | None
    most_days: int | None
    allowance_microdollars: int
    each_microdollars: int
    builds: int


def per_promise(costs: Sequence[int], usual: int) -> PerPromise:
    """The middle and the range from what earlier builds cost for each promise."""
    if not costs:
        return PerPromise(usual // 2, usual, usual * 2, 0)
    middle = int(median(costs))
    if len(costs) < ENOUGH_BUILDS:
        return PerPromise(min(middle // 2, *costs), middle, max(middle * 2, *costs), len(costs))
    quarters = quantiles(costs, n=4, method="inclusive")
    return PerPromise(int(quarters[0]), middle, int(quarters[2]), len(costs))


def estimate(promises: int, each: PerPromise, pace: Pace) -> Estimate:
    """The estimate for so many promises. A build that fits into what is left of today takes one day."""
    days, most = (days_for(promises * cost, pace) for cost in (each.middle, each.high))
    return Estimate(
        promises=promises,
        low_microdollars=promises * each.low,
        cost_microdollars=promises * each.middle,
        high_microdollars=promises * each.high,
        days=None if days is None else days + 1,
        most_days=None if most is None else most + 1,
        allowance_microdollars=pace.allowance,
        each_microdollars=each.middle,
        builds=each.builds,
    )


def estimator(user_id: UUID) -> tuple[PerPromise, Pace] | None:
    """What an estimate for this founder is made from; None where no build could begin."""
    subscription = reports.find_subscription(user_id)
    try:
        config = subscriptions.resolve_llm_config(user_id)
        usual = USUAL_TOKENS * price_of(config.model, clock.today()).output // MILLION
    except CofounderError:
        return None
    if subscription is None:
        return None
    today = reports.day_of(user_id)
    pace = Pace(
        room_today=today["allowance_microdollars"] - today["spent_microdollars"],
        allowance=today["allowance_microdollars"],
        days_left=(subscription.renews_on - today["day"]).days,
    )
    return per_promise(costs_per_promise(config.tier), usual), pace


def costs_per_promise(tier: str) -> list[int]:
    """What the newest finished first builds of this install cost for each promise, in one query.

    A build for a change is left out: it costs for what it changes, and keeps the other promises.
    """
    standing = Q(until_version__isnull=True) | Q(until_version__gte=OuterRef("idea_brief__version"))
    promised = Promise.objects.filter(
        standing, project=OuterRef("project"), since_version__lte=OuterRef("idea_brief__version")
    )
    counted = promised.order_by().values("project").annotate(count=Count("pk")).values("count")
    earlier = Job.objects.filter(
        project=OuterRef("project"), status=JobStatus.READY, build_number__lt=OuterRef("build_number")
    )
    built = Job.objects.filter(~Exists(earlier), status=JobStatus.READY, tier=tier)
    known = built.annotate(promised=Subquery(counted), cost=F("session__cost_microdollars"))
    rows = known.filter(promised__gt=0, cost__gt=0).order_by("-created_at")
    return [cost // count for cost, count in rows.values_list("cost", "promised")[:BUILDS_LOOKED_AT]]
