"""When a founder's agents may wake by themselves: the quiet hours, and whether they may at all."""

from datetime import time
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction

from agents import topup
from agents.models import Subscription
from jobs.errors import CofounderError, PaymentNeeded


class BadNights(CofounderError):
    """These are no quiet hours."""


@transaction.atomic
def set_nights(
    user: Any, *, auto_wake: bool, quiet_from: time | None, quiet_until: time | None, time_zone: str
) -> None:
    """Keep the settings, and reckon anew when the founder's sleeping agents wake.

    Both ends of the quiet hours or neither; they are local times of `time_zone`.
    """
    if (quiet_from is None) != (quiet_until is None):
        raise BadNights("Quiet hours have a beginning and an end; leave both empty for none.")
    if quiet_from is not None and quiet_from == quiet_until:
        raise BadNights("Quiet hours that end when they begin are none; leave both empty for that.")
    if time_zone not in available_timezones():
        raise BadNights(f"There is no time zone called “{time_zone}”.")
    changed = Subscription.objects.filter(user=user.pk).update(
        auto_wake=auto_wake, quiet_from=quiet_from, quiet_until=quiet_until, time_zone=time_zone
    )
    if not changed:
        raise PaymentNeeded("There is no plan yet whose settings could be changed.")
    topup.recompute_today(user)
