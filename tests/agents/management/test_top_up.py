from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from agents.models import BudgetChange
from cofounder.models import User

DOLLAR = 1_000_000


def run(*words: Any) -> Any:
    out = StringIO()
    call_command("top_up", *words, stdout=out)
    return out.getvalue()


def test_money_is_added_and_the_day_is_said(founder: User) -> None:
    said = run("Founder@Example.com", "30.00", "--reason", "Invoice 7")
    assert said == "$30.00 added for founder@example.com. Today allows $3.00, of which $0.00 is spent.\n"
    change = BudgetChange.objects.get()
    assert (change.user, change.amount_microdollars, change.reason) == (founder, 30 * DOLLAR, "Invoice 7")


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [
        ("0", "more than"),
        ("-5", "more than"),
        ("100001", "At most"),
        ("much", "not an amount"),
        ("NaN", "not an amount"),
        ("Infinity", "not an amount"),
        ("1.0000001", "not an amount"),
    ],
)
def test_an_impossible_amount_is_refused_with_a_sentence(founder: User, amount: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("founder@example.com", "--", amount)
    assert not BudgetChange.objects.exists()


def test_an_unknown_founder_is_said(founder: User) -> None:
    with pytest.raises(CommandError, match=r"no user nobody@example\.com"):
        run("nobody@example.com", "5")
