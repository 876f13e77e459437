"""`manage.py top_up`: adds money to a founder's current period."""

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from agents.actions import money
from agents.budget.amounts import DOLLAR, dollars
from jobs.errors import CofounderError


class Command(BaseCommand):
    help = "Add money to a founder's current period. Agents that sleep because it was used up go on at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", metavar="EMAIL", help="the founder's e-mail address")
        parser.add_argument("dollars", metavar="DOLLARS", help="how much, for example 25 or 12.50")
        parser.add_argument("--reason", default="", help="recorded with the change")
        parser.add_argument("--json", action="store_true", help="answer in JSON, amounts in micro-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['email']}.")
        amount = _microdollars(options["dollars"])
        try:
            day = money.top_up(user, amount, by=None, reason=options["reason"])
        except CofounderError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            facts = {
                "added": amount,
                "allowance_today": day.allowance_microdollars,
                "spent_today": day.spent_microdollars,
            }
            self.stdout.write(json.dumps(facts))
            return
        self.stdout.write(
            f"{dollars(amount)} added for {user}. Today allows {dollars(day.allowance_microdollars)}, "
            f"of which {dollars(day.spent_microdollars)} is spent."
        )


def _microdollars(text: str) -> int:
    try:
        amount = Decimal(text.removeprefix("$")) * DOLLAR
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise CommandError(f"{text!r} is not an amount in dollars, such as 25 or 12.50.")
    return int(amount)
