"""What `make demo` opens: a new founder whose project is being built, with days that pass quickly."""

import json
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from agents.actions.start import start_build
from agents.models import ASLEEP, AT_WORK, AgentSession, Subscription
from cofounder.accounts.sign_in_links import make_link
from cofounder.models import User
from jobs import clock, events
from jobs.briefs import create_project
from jobs.models import EventType
from jobs.queue import enqueue_agent_run

BRIEF = Path("rehearsal") / "briefs" / "borrow-shelf.json"
DAY = timedelta(days=1)
DAY_SECONDS = 240  # how long a day lasts in a rehearsal: longer than a busy machine needs to spend its money
DAY_SPEED = DAY.total_seconds() / DAY_SECONDS
NIGHT_SECONDS = 15  # how long the rest of the day lasts once no agent is at work


def begin_days(*, is_short: bool) -> None:
    """Start a new day, which passes quickly in a rehearsal; with real services, days are real."""
    if is_short:
        clock.move(clock.next_midnight(clock.now()), speed=DAY_SPEED)
    elif clock.speed() != 1.0:
        clock.move(clock.now())


def let_the_night_pass() -> None:
    """Speed the clock up while every agent that has work is asleep, and slow it down again when one wakes."""
    asleep = AgentSession.objects.filter(state__in=ASLEEP, wake_at__isnull=False).order_by("wake_at")
    next_to_wake = None if AgentSession.objects.filter(state__in=AT_WORK).exists() else asleep.first()
    if next_to_wake is None or next_to_wake.wake_at is None:
        if clock.speed() > DAY_SPEED:
            clock.move(clock.now(), speed=DAY_SPEED)
        return
    night = next_to_wake.wake_at - clock.now()
    speed = night.total_seconds() / NIGHT_SECONDS
    if clock.speed() <= DAY_SPEED < speed:
        clock.move(clock.now(), speed=speed)
        for session in asleep:
            _follow_the_clock(session)


@transaction.atomic
def _follow_the_clock(session: AgentSession) -> None:
    """Re-queue the run that was scheduled by a slower clock; let open pages restart their countdowns."""
    enqueue_agent_run(session.pk, at=session.wake_at)
    reason = "In this rehearsal the night passes in seconds."
    events.record(
        session.pk, EventType.AGENT_STATE, state=session.state, previous=session.state, reason=reason
    )


@transaction.atomic
def open_build() -> str:
    """Begin a build for a new demo founder; return a one-time link that signs in and opens its page."""
    user = User.objects.create_user(f"demo-{secrets.token_hex(3)}@example.com")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.create(user=user, tier_id="bootstrapper", renews_on=renews_on)
    brief = json.loads((settings.BASE_DIR / BRIEF).read_text())
    project = create_project(owner=user, **brief)
    job, _ = start_build(project)
    return make_link(user, f"/builds/{job.pk}")
