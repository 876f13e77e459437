"""Thirty days of several founders' builds: the faults of a month, and budgets that are never exceeded."""

import logging
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.db.models import Sum
from pytest_django import Settings

from agents.actions.control import send_message
from agents.actions.money import override, top_up
from agents.actions.start import start_build
from agents.budget.allowance import a_month_later
from agents.models import ASLEEP, AgentSession, DailyBudget, PlanTier, SessionState, SpendEntry, Subscription
from agents.worker.sweep import OVERDUE
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project
from jobs.models import EventType, Job, JobEvent, JobStatus
from tests.jobs.redis_server import RedisServer
from tests.journeys import long_play
from tests.journeys.conftest import Rehearsal, Workers, wait_until

pytestmark = [pytest.mark.services, pytest.mark.timeout(900)]

log = logging.getLogger(__name__)

DOLLAR = 1_000_000
DAYS = 30
HOUR = timedelta(hours=1)
TOP_UP = 8 * DOLLAR
CORRECTION = -8 * DOLLAR
QUIET: dict[str, Any] = {"quiet_from": "23:00", "quiet_until": "06:30", "time_zone": "Europe/Berlin"}
TIERS = {
    "small": ("claude-sonnet-5-5", 15 * DOLLAR),
    "middle": ("claude-sonnet-5-5", 24 * DOLLAR),
    "large": ("claude-opus-5-5", 36 * DOLLAR),
}
FALLS_ASLEEP = (EventType.SLEEPING, EventType.BUDGET_EXCEEDED)


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    plays = long_play.write_plays(tmp_path_factory.mktemp("plays") / "plays")
    servers = Rehearsal(tmp_path_factory.mktemp("rehearsal"), "--plays", str(plays))
    yield servers
    servers.stop()


@pytest.fixture
def own_redis(tmp_path: Path, settings: Settings) -> Iterator[RedisServer]:
    """A Redis that may be killed."""
    server = RedisServer(tmp_path)
    server.start()
    settings.REDIS_URL = server.url
    yield server
    server.kill()


@pytest.fixture
def first_day(transactional_db: None) -> date:
    """The clock is set to the beginning of a day."""
    clock.move(clock.next_midnight(clock.now()))
    return clock.today()


@pytest.fixture
def make_founder(first_day: date) -> Callable[..., Any]:
    def make(name: Any, tier: Any, *, renews_in: Any) -> Any:
        model, money = TIERS[tier]
        PlanTier.objects.get_or_create(
            slug=tier, defaults={"name": tier, "model": model, "monthly_budget_microdollars": money}
        )
        user = User.objects.create_user(f"{name}@example.com", "correct horse battery")
        Subscription.objects.create(user=user, tier_id=tier, renews_on=first_day + timedelta(days=renews_in))
        return user

    return make


def test_thirty_days_of_builds_stay_within_their_money_and_end_ready(
    own_redis: RedisServer,
    workers: Workers,
    rehearsal: Rehearsal,
    make_founder: Callable[..., Any],
    first_day: date,
) -> None:
    ana = make_founder("ana", "small", renews_in=13)
    ben = make_founder("ben", "large", renews_in=22)
    cleo = make_founder("cleo", "middle", renews_in=29)
    override(ana, CORRECTION, None, "more than half of the month is over")
    jobs = [start(user, name) for user, name in zip((ana, ben, cleo, cleo), long_play.PROJECTS, strict=True)]
    month = Month(workers, jobs)
    month.pass_days(
        {
            3: month.jump_an_hour_over_midnight,
            5: month.jump_back_over_midnight,
            8: partial(month.top_up, ben),
            11: month.kill_a_worker_at_midnight,
            16: partial(month.pass_midnight_without, own_redis),
            20: partial(month.keep_quiet, cleo),
            23: partial(month.end_quiet, cleo),
            DAYS: month.ask_to_finish,
        }
    )
    assert (clock.today() - first_day).days >= DAYS
    for job in jobs:
        job.refresh_from_db()
        assert job.status == JobStatus.READY, job.status_message
        check_wakes(job, early=1 if job.project.owner == ben else 0)
        check_files(job)
    assert slept_through_quiet_hours(cleo)
    for founder in (ana, ben, cleo):
        check_days(founder)
    check_periods(ana, first_day, renewed_in=13, moved=CORRECTION)
    check_periods(ben, first_day, renewed_in=22, moved=TOP_UP)
    check_periods(cleo, first_day, renewed_in=29)
    check_bill(jobs, rehearsal, most_lost=month.at_work_when_killed)


def start(user: User, project: str) -> Job:
    return start_build(create_project(owner=user, **long_play.brief(project)))[0]


class Month:
    """Moves the clock straight to the next wake-up once every agent sleeps."""

    def __init__(self, workers: Workers, jobs: Any) -> None:
        self.workers = workers
        self.jobs = jobs
        self.first_day = clock.today()
        self.at_work_when_killed = 0

    def pass_days(self, special: dict[int, Any]) -> None:
        """Night after night until all builds are over; some days (the first is 1) have an extra event."""
        for _ in range(3):
            self.workers.start()
        while self.until_all_rest():
            happens = special.pop((clock.today() - self.first_day).days + 1, self.wake_next)
            happens()

    def until_all_rest(self) -> list[Any]:
        """The sleeping sessions, once none is working; the list is empty when every build is over."""
        self.until(lambda: not self.sessions().exclude(state__in=ASLEEP).exists(), "everybody asleep")
        return list(self.sessions())

    def sessions(self) -> Any:
        return AgentSession.objects.filter(pk__in=[job.pk for job in self.jobs], job__finished_at=None)

    def until(self, condition: Callable[..., Any], what: str) -> None:
        """Like `wait_until`; the failure shows the state of the sessions."""
        try:
            wait_until(condition, what)
        except pytest.fail.Exception:
            log.error("%s", list(self.sessions().values("job__project__name", "state", "wake_at", "epoch")))
            log.error("%s", self.workers.log.read_text()[-5000:])
            raise

    def wake_next(self) -> None:
        self.move_to(self.next_wake())

    def next_wake(self) -> Any:
        """Far enough after that time for the next sweep to find the sleepers."""
        first = self.sessions().order_by("wake_at").values_list("wake_at", flat=True)[0]
        return first + OVERDUE + timedelta(seconds=1)

    def move_to(self, moment: Any) -> None:
        due = list(self.sessions().filter(wake_at__lte=moment).values_list("pk", flat=True))
        clock.move(moment)
        asleep = self.sessions().filter(pk__in=due, state__in=ASLEEP, wake_at__lte=moment)
        self.until(lambda: not asleep.exists(), f"everybody awake who is due at {moment}")

    def until_somebody_works(self) -> None:
        self.until(self.sessions().filter(state=SessionState.WORKING).exists, "somebody at work")

    # What else happens

    def jump_an_hour_over_midnight(self) -> None:
        clock.move(self.next_wake() - HOUR / 2)
        assert not self.sessions().exclude(state__in=ASLEEP).exists()
        self.move_to(clock.now() + HOUR)

    def jump_back_over_midnight(self) -> None:
        """Yesterday again, whose budget is used up: the agents sleep until midnight a second time."""
        self.wake_next()
        self.until_somebody_works()
        clock.move(clock.now() - HOUR)

    def top_up(self, founder: User) -> None:
        session = self.sessions().get(user=founder)
        top_up(founder, TOP_UP, by=None)
        woken = self.sessions().filter(pk=session.pk, epoch__gt=session.epoch)
        self.until(woken.exists, "woken by the top-up")

    def kill_a_worker_at_midnight(self) -> None:
        self.wake_next()
        self.until_somebody_works()
        self.workers.end(self.workers.running[0], signal.SIGKILL)
        self.at_work_when_killed = self.sessions().filter(state=SessionState.WORKING).count()
        self.workers.start()

    def pass_midnight_without(self, redis_server: Any) -> None:
        redis_server.kill()
        self.wake_next()
        self.until_all_rest()
        redis_server.start()

    def keep_quiet(self, founder: User) -> None:
        Subscription.objects.filter(pk=founder.pk).update(**QUIET)

    def end_quiet(self, founder: User) -> None:
        Subscription.objects.filter(pk=founder.pk).update(quiet_from=None, quiet_until=None)

    def ask_to_finish(self) -> None:
        for session in self.sessions().select_related("job", "user"):
            send_message(session.job, long_play.ENOUGH, session.user)


def check_wakes(job: Job, *, early: int) -> None:
    """Sleep and wake alternate; only a wake-up after a top-up came before its time."""
    nights = [event for event in job.events.all() if event.type in (*FALLS_ASLEEP, EventType.WAKING)]
    assert [event.type in FALLS_ASLEEP for event in nights] == [True, False] * (len(nights) // 2)
    pairs = zip(nights[::2], nights[1::2], strict=True)
    assert sum(awake.created_at < due(asleep) for asleep, awake in pairs) == early
    assert len(nights) // 2 >= DAYS


def due(asleep: Any) -> Any:
    return datetime.fromisoformat(asleep.payload["wake_at"])


def slept_through_quiet_hours(founder: User) -> bool:
    """Whether some sleep lasted until the end of the quiet hours."""
    falls = JobEvent.objects.filter(job__project__owner=founder, type__in=FALLS_ASLEEP)
    local = {due(asleep).astimezone(ZoneInfo(QUIET["time_zone"])).strftime("%H:%M") for asleep in falls}
    return QUIET["quiet_until"] in local


def check_files(job: Job) -> None:
    newest = job.project.snapshots.first()
    assert newest is not None
    numbers = sorted(int(file["path"][6:-4]) for file in newest.manifest if file["path"].startswith("notes/"))
    assert numbers == list(range(1, numbers[-1] + 1, 4))


def check_days(founder: User) -> None:
    for day in DailyBudget.objects.filter(user=founder):
        assert 100 * day.spent_microdollars <= 110 * day.allowance_microdollars, day
        assert day.reserved_microdollars == 0, day
        entries = SpendEntry.objects.filter(user=founder, day=day.day)
        assert sum(entries.values_list("cost_microdollars", flat=True)) == day.spent_microdollars


def check_periods(founder: User, first_day: date, *, renewed_in: int, moved: int = 0) -> None:
    """`moved` is what was added to or taken from the first period."""
    subscription = Subscription.objects.select_related("tier").get(pk=founder.pk)
    renewed_on, budget = first_day + timedelta(days=renewed_in), subscription.monthly_budget_microdollars
    assert subscription.renews_on == a_month_later(renewed_on)
    entries = SpendEntry.objects.filter(user=founder)
    before = cost(entries.filter(day__lt=renewed_on))
    after = cost(entries.filter(day__gte=renewed_on))
    log.info("%s spent %s of %s and %s of %s", founder, before, budget + moved, after, budget)
    assert 0 < before <= budget + moved
    assert 0 < after <= budget


def cost(entries: Any) -> Any:
    return entries.aggregate(total=Sum("cost_microdollars", default=0))["total"]


def check_bill(jobs: list[Any], rehearsal: Rehearsal, *, most_lost: Any) -> None:
    """The ledger equals the bill, call by call; only a killed worker's call may lack its answer."""
    lost: Counter[tuple[int, ...]] = Counter()
    for job in jobs:
        query = {"user_id": str(job.pk)}
        bill = httpx.get(f"{rehearsal.urls['anthropic_url']}/rehearsal/billed", params=query).json()
        billed = Counter(as_billed(charge) for charge in bill["requests"])
        settled = SpendEntry.objects.filter(session=job.pk, status=SpendEntry.Status.SETTLED)
        assert not SpendEntry.objects.filter(session=job.pk, status=SpendEntry.Status.RESERVED).exists()
        ledger = Counter(as_entered(entry) for entry in settled)
        assert not ledger - billed, "the ledger has a call that the provider did not bill"
        lost += billed - ledger
        spent = sum(entry.cost_microdollars for entry in settled)
        assert spent == AgentSession.objects.get(pk=job.pk).cost_microdollars
        log.info("%s: %s calls, %s µ$", job.project.name, ledger.total(), spent)
    assert lost.total() <= most_lost, "the provider billed a call that the ledger does not have"


def as_billed(charge: Any) -> tuple[int, ...]:
    usage = charge["usage"]
    kinds = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return (*(usage[kind] for kind in kinds), charge["cost_microdollars"])


def as_entered(entry: SpendEntry) -> tuple[int, ...]:
    written = entry.cache_write_5m_tokens + entry.cache_write_1h_tokens
    return (
        entry.input_tokens,
        entry.output_tokens,
        written,
        entry.cache_read_tokens,
        entry.cost_microdollars,
    )
