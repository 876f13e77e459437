"""The admin's ledger: totals by day, founder and model, and the chart."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from agents.models import AgentSession, SpendEntry
from cofounder.admin import ledger
from cofounder.models import User
from jobs import clock
from jobs.models import Job
from tests.conftest import give_second_factor

ADDRESS = "/admin/ledger/"


def spent(
    session: AgentSession, day: Any, amount: int, model: str = "claude-sonnet-5-5", status: str = "settled"
) -> None:
    SpendEntry.objects.create(
        user=session.user,
        session=session,
        day=day,
        model=model,
        status=status,
        reserved_microdollars=amount,
        max_tokens=100,
        input_tokens=1000,
        output_tokens=10,
        cache_read_tokens=200,
        cost_microdollars=amount,
        price_version="v",
        created_at=clock.now(),
    )


@pytest.fixture
def spending(job: Job) -> None:
    session = AgentSession.objects.select_related("user").get(pk=job.pk)
    AgentSession.objects.filter(pk=job.pk).update(sandbox_seconds=7200)
    today = clock.today()
    spent(session, today, 1_500_000)
    spent(session, today - timedelta(days=1), 2_500_000, model="claude-opus-5-5")
    spent(session, today - timedelta(days=60), 9_000_000)
    spent(session, today, 5_000_000, status="released")


@pytest.fixture
def cockpit(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def test_totals_by_day_founder_and_model_are_what_was_settled(cockpit: Client, spending: None) -> None:
    context = cockpit.get(ADDRESS).context
    assert context["amount"] == 4_000_000
    assert [(total.name, total.amount) for total in context["models"]] == [
        ("claude-opus-5-5", 2_500_000),
        ("claude-sonnet-5-5", 1_500_000),
    ]
    (founder,) = context["founders"]
    assert (founder.name, founder.amount, founder.calls, founder.tokens) == (
        "founder@example.com",
        4_000_000,
        2,
        2 * 1210,
    )
    assert founder.sandbox == timedelta(hours=2)
    assert [total.amount for total in context["days"]] == [1_500_000, 2_500_000]


def test_a_longer_span_holds_more_and_nonsense_shows_the_usual(cockpit: Client, spending: None) -> None:
    assert cockpit.get(ADDRESS, {"days": "90"}).context["amount"] == 13_000_000
    assert cockpit.get(ADDRESS, {"days": "-1' OR"}).context["span"] == 30


def test_the_page_has_a_chart_without_a_script_or_an_inline_style(cockpit: Client, spending: None) -> None:
    page = cockpit.get(ADDRESS).content.decode()
    main = page[page.index('class="ledger"') :]
    main = main[: main.index("</svg>")]
    assert main.count("<rect") == 30
    assert "$2.50" in main
    assert "style=" not in main
    assert "<script" not in main


def test_an_empty_ledger_is_a_page_too(cockpit: Client) -> None:
    assert "Nothing was spent." in cockpit.get(ADDRESS).content.decode()


def test_the_most_expensive_day_is_the_highest_bar() -> None:
    begin = date(2026, 11, 1)
    drawn = ledger.bars({begin: 5, begin + timedelta(days=2): 10}, begin, 7)
    heights = [bar.height for bar in drawn]
    assert heights[2] == pytest.approx(2 * heights[0], abs=0.2)
    assert heights[2] == max(heights)
    assert heights[1] == 0
    assert drawn[0].y + drawn[0].height == ledger.HEIGHT - ledger.BOTTOM


def test_who_may_not_see_the_ledger_does_not(browser: Client, tiers: None) -> None:
    from cofounder.models import User

    staff = Client()
    user = User.objects.create_user("staff@example.com", is_staff=True)
    give_second_factor(user)
    staff.force_login(user)
    assert staff.get(ADDRESS).status_code == 403
    assert browser.get(ADDRESS).status_code == 302


def test_the_index_leads_to_the_ledger(cockpit: Client) -> None:
    assert ADDRESS in cockpit.get("/admin/").content.decode()
