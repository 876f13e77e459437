"""Secrets as a form sends them: pairs of `secret_name` and `secret_value`."""

import re

from django.http import QueryDict
from django.views.decorators.debug import sensitive_variables

from jobs.project_secrets import BadSecret


@sensitive_variables()
def read(form: QueryDict) -> dict[str, str]:
    """What was filled in, by the name of its environment variable; "Stripe key" is STRIPE_KEY."""
    names, values = form.getlist("secret_name"), form.getlist("secret_value")
    given = {}
    for name, value in zip(names, values, strict=False):
        if not value.strip():
            continue
        if not (usual := _usual(name)):
            raise BadSecret("Give the key or password a name, such as STRIPE_API_KEY.", field="secrets")
        given[usual] = value.strip()
    return given


def _usual(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
