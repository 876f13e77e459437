"""Metrics of the whole install, read from the database on each scrape: the same from every process."""

from collections.abc import Iterator

from django.db.models import Count, Sum
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents.budget.amounts import DOLLAR
from agents.errors import Trouble
from agents.models import AgentSession, DailyBudget, SessionState, SpendEntry
from escalations.models import AgentEscalation
from jobs import clock, queue


class InstallCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        yield sessions()
        yield troubles()
        yield spend()
        yield from today()
        yield GaugeMetricFamily(
            "cofounder_escalations_open",
            "Questions that wait for a founder.",
            AgentEscalation.objects.filter(status=AgentEscalation.Status.PENDING).count(),
        )
        yield from tasks()

    def describe(self) -> Iterator[Metric]:
        """Reads nothing until Prometheus asks."""
        return iter(())


INSTALL = CollectorRegistry()
INSTALL.register(InstallCollector())


def sessions() -> Metric:
    family = GaugeMetricFamily(
        "cofounder_sessions", "Sessions by the state of their agent.", labels=["state"]
    )
    counts = dict(AgentSession.objects.values_list("state").annotate(Count("pk")).order_by())
    for state in SessionState:
        family.add_metric([state.value], counts.get(state.value, 0))
    return family


def troubles() -> Metric:
    """Builds that sleep because something outside is in trouble; every kind is there, also at zero."""
    family = GaugeMetricFamily(
        "cofounder_troubles", "Builds asleep because something outside is in trouble.", labels=["trouble"]
    )
    asleep = AgentSession.objects.filter(state=SessionState.SLEEPING).exclude(trouble="")
    counts = dict(asleep.values_list("trouble").annotate(Count("pk")).order_by())
    for trouble in Trouble:
        family.add_metric([trouble.value], counts.get(trouble.value, 0))
    return family


def spend() -> Metric:
    total = DailyBudget.objects.aggregate(total=Sum("spent_microdollars", default=0))["total"]
    return CounterMetricFamily(
        "cofounder_spend_dollars", "What model calls have cost, as settled.", int(total) / DOLLAR
    )


def today() -> Iterator[Metric]:
    """The UTC day, by model and by what may still be spent."""
    day = clock.today()
    family = GaugeMetricFamily(
        "cofounder_spend_today_dollars", "What calls of this UTC day have cost.", labels=["model"]
    )
    entries = SpendEntry.objects.filter(day=day, status=SpendEntry.Status.SETTLED)
    for model, cost in entries.values_list("model").annotate(Sum("cost_microdollars")).order_by("model"):
        family.add_metric([model], int(cost) / DOLLAR)
    yield family
    reserved = DailyBudget.objects.filter(day=day).aggregate(total=Sum("reserved_microdollars", default=0))
    yield GaugeMetricFamily(
        "cofounder_reserved_dollars",
        "What calls under way may cost at the most.",
        int(reserved["total"]) / DOLLAR,
    )


def tasks() -> Iterator[Metric]:
    """Runs that are due, how long the oldest has waited, and the workers that are alive."""
    waiting, oldest = queue.backlog()
    yield GaugeMetricFamily("cofounder_queue_waiting", "Tasks that are due and wait for a worker.", waiting)
    yield GaugeMetricFamily(
        "cofounder_queue_oldest_seconds",
        "How long the one that waits longest has waited.",
        oldest.total_seconds(),
    )
    yield GaugeMetricFamily(
        "cofounder_workers", "Workers that were heard of within ten seconds.", queue.living_workers()
    )
