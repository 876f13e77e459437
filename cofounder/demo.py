"""What `make demo` opens: a founder of its own, whose project is being built while a short day passes."""

import json
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from agents.models import Subscription
from agents.start import start_build
from cofounder.entry import make_link
from cofounder.models import User
from jobs import clock
from jobs.briefs import create_project

BRIEF = Path("rehearsal") / "briefs" / "borrow-shelf.json"
DAY_SECONDS = 80  # how long the demo's day lasts
DAY = timedelta(days=1)


def open_build(*, is_rehearsal: bool) -> str:
    """Begin a build for a new demo founder; the address at which it can be watched, signed in, once.

    The short day is the rehearsal's: with real services, days are real.
    """
    if is_rehearsal:
        clock.move(clock.next_midnight(clock.now()), speed=DAY.total_seconds() / DAY_SECONDS)
    with transaction.atomic():
        return _begin()


def _begin() -> str:
    user = User.objects.create_user(f"demo-{secrets.token_hex(3)}@example.com")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.create(user=user, tier_id="bootstrapper", renews_on=renews_on)
    brief = json.loads((settings.BASE_DIR / BRIEF).read_text())
    project = create_project(owner=user, **brief)
    job, _ = start_build(project)
    return make_link(user, f"/builds/{job.pk}")
