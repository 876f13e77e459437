import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from agents.budget import ledger
from agents.models import AgentSession, DailyBudget, SessionState, SpendEntry
from agents.usage import Usage
from cofounder.models import User
from jobs.models import Job


def run(*words: Any) -> Any:
    out = StringIO()
    call_command("reconcile_spend", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def grant(build: Job) -> Any:
    return ledger.reserve(AgentSession.objects.get(pk=build.pk), 1000)


def rest(state: SessionState = SessionState.SLEEPING) -> None:
    AgentSession.objects.update(state=state)


def test_books_that_agree_are_left_alone(grant: Any) -> None:
    ledger.settle(grant.entry_id, Usage(output_tokens=1000))
    assert run() == "The days agree with the ledger.\n"
    assert DailyBudget.objects.get().spent_microdollars == 10_000


@pytest.mark.parametrize("state", [SessionState.WORKING, SessionState.QUEUED])
def test_the_call_of_a_session_at_work_stays_reserved(grant: Any, state: SessionState) -> None:
    rest(state)
    run()
    assert SpendEntry.objects.get().status == "reserved"


@pytest.mark.parametrize("state", [SessionState.SLEEPING, SessionState.PAUSED, SessionState.FAILED])
def test_what_an_inactive_session_still_reserves_is_released(grant: Any, state: SessionState) -> None:
    rest(state)
    assert "released" in run()
    assert SpendEntry.objects.get().status == "released"
    assert DailyBudget.objects.get().reserved_microdollars == 0


def test_a_dry_run_changes_nothing(grant: Any) -> None:
    rest()
    DailyBudget.objects.update(spent_microdollars=7)
    said = run("--dry-run")
    assert "would be released" in said
    assert "would be repaired" in said
    assert SpendEntry.objects.get().status == "reserved"
    assert DailyBudget.objects.get().spent_microdollars == 7


def test_sums_that_are_not_the_ledger_s_are_repaired(grant: Any, founder: User) -> None:
    ledger.settle(grant.entry_id, Usage(output_tokens=1000))
    DailyBudget.objects.update(spent_microdollars=7, reserved_microdollars=8)
    answer = json.loads(run("--json"))
    assert [(row["name"], row["recorded"], row["in_ledger"]) for row in answer["repaired"]] == [
        ("spent", 7, 10_000),
        ("reserved", 8, 0),
    ]
    day = DailyBudget.objects.get()
    assert (day.spent_microdollars, day.reserved_microdollars) == (10_000, 0)
    assert json.loads(run("--json"))["repaired"] == []


def test_one_founder_s_ledger_is_not_another_s(grant: Any, other_founder: User) -> None:
    DailyBudget.objects.create(
        user=other_founder, day=grant.day, allowance_microdollars=5, spent_microdollars=5
    )
    answer = json.loads(run("--json"))
    assert [row["user_id"] for row in answer["repaired"]] == [str(other_founder.pk)]


def test_a_reservation_of_a_deleted_project_is_released(grant: Any, founder: User) -> None:
    SpendEntry.objects.update(session=None)
    assert "released" in run()
    assert DailyBudget.objects.get().reserved_microdollars == 0


def test_days_of_founders_who_are_gone_stay_as_they_are(grant: Any, founder: User) -> None:
    ledger.settle(grant.entry_id, Usage(output_tokens=1000))
    DailyBudget.objects.update(user=None)
    assert run() == "The days agree with the ledger.\n"
    assert DailyBudget.objects.get().spent_microdollars == 10_000
