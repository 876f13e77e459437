"""When a founder's agents may wake by themselves: the quiet hours, and whether they may at all."""

from datetime import time

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents.actions import money
from agents.budget import validation
from agents.models import Subscription
from jobs.errors import PaymentNeeded


@transaction.atomic
def set_nights(
    user: AbstractUser, *, auto_wake: bool, quiet_from: time | None, quiet_until: time | None, time_zone: str
) -> None:
    """Keep the settings, and reckon anew when the founder's sleeping agents wake.

    The quiet hours are local times of `time_zone`.
    """
    validation.check_quiet_hours(quiet_from, quiet_until, time_zone)
    changed = Subscription.objects.filter(user=user.pk).update(
        auto_wake=auto_wake, quiet_from=quiet_from, quiet_until=quiet_until, time_zone=time_zone
    )
    if not changed:
        raise PaymentNeeded("There is no plan yet whose settings could be changed.")
    money.recompute_today(user)
