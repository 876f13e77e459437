"""What the page draws of a build's spending."""

from datetime import date, timedelta

from django.test import Client

from agents.models import AgentSession, DailyBudget, SpendEntry
from cofounder.models import User
from cofounder.pages.money import spending
from jobs import clock
from jobs.models import Job

TODAY = date(2026, 11, 21)
DOLLAR = 1_000_000


def test_at_least_a_week_and_at_most_two_are_shown() -> None:
    assert len(spending.days_shown(TODAY, TODAY)) == 7
    assert len(spending.days_shown(TODAY - timedelta(days=9), TODAY)) == 10
    shown = spending.days_shown(TODAY - timedelta(days=99), TODAY)
    assert (len(shown), shown[-1]) == (14, TODAY)


def test_bars_share_a_scale_whose_top_is_the_largest_amount() -> None:
    first, second = spending.bars([(TODAY, 1, 3, 4), (TODAY, 0, 2, None)])
    assert (first.own_height, first.others_height, first.allowance_y) == (16, 32, 0)
    assert (second.own_height, second.others_height, second.allowance_y) == (0, 32, None)


def test_the_smallest_amount_can_still_be_seen() -> None:
    [bar] = spending.bars([(TODAY, 1, 1, 10**12)])
    assert bar.own_height == 1


def test_days_without_money_draw_nothing() -> None:
    [bar] = spending.bars([(TODAY, 0, 0, 0)])
    assert (bar.own_height, bar.others_height) == (0, 0)


def _spend(job: Job, day: date, phase: str, cost: int) -> None:
    session = AgentSession.objects.get(pk=job.pk)
    SpendEntry.objects.create(
        user=session.user,
        session=session,
        phase=phase,
        day=day,
        model="m",
        status="settled",
        reserved_microdollars=0,
        max_tokens=1,
        cost_microdollars=cost,
        price_version="1",
        created_at=clock.now(),
    )


def test_the_page_tells_days_and_phases_in_words_too(
    browser: Client, working_job: Job, founder: User
) -> None:
    DailyBudget.objects.create(
        user=founder,
        day=clock.today(),
        allowance_microdollars=2 * DOLLAR,
        spent_microdollars=3 * DOLLAR // 2,
    )
    _spend(working_job, clock.today(), "The list", DOLLAR)
    _spend(working_job, clock.today(), "", DOLLAR // 4)
    page = browser.get(f"/builds/{working_job.pk}").text
    assert "<td>$1.25</td><td>$0.25</td><td>$2.00</td>" in page
    assert "Getting ready" in page
    assert "<title>" in page


def test_another_build_of_the_founder_is_not_this_ones(working_job: Job, founder: User) -> None:
    DailyBudget.objects.create(
        user=founder, day=clock.today(), allowance_microdollars=DOLLAR, spent_microdollars=DOLLAR
    )
    found = spending.spending_of(working_job)
    assert (found.bars[-1].own, found.bars[-1].others) == (0, DOLLAR)
