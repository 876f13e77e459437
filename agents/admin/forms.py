"""Shared by the forms about money: amounts in dollars, and rules with error messages of our own."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms

from agents.budget.amounts import DOLLAR
from jobs.errors import CofounderError


class DollarsField(forms.DecimalField):
    """Shows dollars; its value is an `int` of µ$. The rules check sign, zero and size."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_digits", 15)
        options.setdefault("decimal_places", 6)
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        return Decimal(value) / DOLLAR if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        return None if found is None else int(found * DOLLAR)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(super().has_changed(self.prepare_value(initial), data))


class CheckedForm(forms.ModelForm):  # type: ignore[type-arg]  # of several models
    """A form that shows the errors of our own rules."""

    def check(self, rule: Callable[..., None], *values: Any, **named: Any) -> None:
        try:
            rule(*values, **named)
        except CofounderError as error:
            self.add_error(error.field if error.field in self.fields else None, str(error))
