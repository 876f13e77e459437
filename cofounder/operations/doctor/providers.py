"""Checks outside this code: model provider, sandboxes, mail server, and the browser on this machine."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anthropic
import httpx2
from django.conf import settings
from django.core import mail

from agents.budget import prices
from agents.errors import SandboxError
from agents.models import PlanTier, Subscription
from agents.preview import browser
from agents.sandbox import provider
from cofounder.config import environment
from cofounder.operations.doctor.finding import SECONDS, Finding, fail, first_line, ok, warn
from jobs import clock

SKEW_SECONDS = 60.0  # of the provider's time, which takes its way here
TRY_SECONDS = 60
QUIET_MAIL = ("console", "locmem", "dummy", "filebased", "mail_files")


def look_at_models() -> Iterator[Finding]:
    """The key, and every model that a plan, a subscription or the default uses."""
    if not settings.ANTHROPIC_API_KEY:
        yield _no_key("ANTHROPIC_API_KEY")
        return
    wanted = sorted(
        {settings.DEFAULT_MODEL}
        | set(PlanTier.objects.exclude(model="").values_list("model", flat=True))
        | set(Subscription.objects.exclude(model_override="").values_list("model_override", flat=True))
    )
    client = anthropic.Anthropic(
        api_key=settings.ANTHROPIC_API_KEY,
        base_url=settings.ANTHROPIC_BASE_URL,
        max_retries=0,
        timeout=httpx2.Timeout(SECONDS),
    )
    with client:
        yield from _look_at_time(client)
        for model in wanted:
            yield _look_at_model(client, model)


def _look_at_time(client: anthropic.Anthropic) -> Iterator[Finding]:
    """This machine's clock against the provider's, whose answers carry the time, also when they refuse."""
    try:
        headers = client.models.with_raw_response.list(limit=1).headers
    except anthropic.APIStatusError as error:
        headers = error.response.headers
    except anthropic.AnthropicError:  # the models' findings say so
        return
    try:
        wrong_by = (datetime.now(UTC) - parsedate_to_datetime(headers.get("date", ""))).total_seconds()
    except (TypeError, ValueError):  # it tells no time
        return
    if abs(wrong_by) > SKEW_SECONDS:
        direction = "ahead" if wrong_by > 0 else "behind"
        said = f"this machine's clock is {abs(wrong_by) / 60:.0f} minutes {direction}"
        fix = "Set it, and keep it in time with NTP: days, wake-ups and links go by it, and a bucket refuses "
        yield fail("time", said, f"{fix}requests that are 15 minutes off.")
    else:
        yield ok("time", "agrees with the provider's")


def _look_at_model(client: anthropic.Anthropic, model: str) -> Finding:
    part = f"model {model}"
    try:
        prices.price_of(model, clock.today())
        client.models.retrieve(model)
    except prices.UnknownModel as error:
        return fail(part, str(error), "Change the plan's model in the admin, or DEFAULT_MODEL.")
    except anthropic.AuthenticationError:
        return fail(part, "the key is refused", "Set ANTHROPIC_API_KEY to a key that is valid.")
    except anthropic.NotFoundError:
        return fail(part, "the provider does not know it", "Change the plan's model in the admin.")
    except anthropic.AnthropicError as error:
        said = f"cannot be checked: {first_line(error)}"
        return fail(part, said, "Check ANTHROPIC_BASE_URL, and that this machine can reach it.")
    return ok(part, "exists, and has a price")


def look_at_e2b() -> Iterator[Finding]:
    if not settings.E2B_API_KEY:
        yield _local_sandbox() if environment.is_embedded("DATABASE_URL") else _no_key("E2B_API_KEY")
        return
    try:
        found = asyncio.run(_sandboxes())
    except (SandboxError, TimeoutError) as error:
        said = str(error.__cause__ or error) or "no answer"
        yield fail("E2B", f"refuses: {first_line(said)}", "Check E2B_API_KEY and, if it is set, E2B_API_URL.")
    else:
        yield ok("E2B", f"answers; {found} sandboxes of this install")


def _local_sandbox() -> Finding:
    """What the local sandbox's own server finds when it tries to confine a command."""
    part = "local sandbox"
    try:
        tried = subprocess.run(
            [sys.executable, "-m", "rehearsal", "--try-sandbox"],
            cwd=environment.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=TRY_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        return fail(part, first_line(error.stderr), "Correct the environment.")
    except (OSError, subprocess.TimeoutExpired) as error:
        return fail(part, f"cannot be tried: {first_line(error)}", "Set E2B_API_KEY to use E2B's sandboxes.")
    found = json.loads(tried.stdout)
    if not found["confined"]:
        return fail(part, f"{found['sentence']} {found['reason']}", found["fix"])
    return ok(part, f"{found['sentence']} {found['bubblewrap']}, {found['mode']}")


async def _sandboxes() -> int:
    async with asyncio.timeout(SECONDS):
        return len(await provider.found())


def _no_key(name: str) -> Finding:
    fix = f"Set {name}."
    if environment.is_embedded("DATABASE_URL"):
        return warn(name, "is not set: `manage.py up` rehearses the model", fix)
    return fail(name, "is not set, and `manage.py run_worker` does not start without it", fix)


def look_at_chromium() -> Iterator[Finding]:
    found = browser.find_chromium()
    fix = (
        "Install Chromium (`apt-get install chromium`) or set CHROMIUM; without it there are no screenshots."
    )
    if not found:
        yield warn("Chromium", "is not found", fix)
        return
    try:
        said = subprocess.run(
            [found, "--version"], capture_output=True, text=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        yield fail("Chromium", f"{found} does not run: {first_line(error)}", fix)
        return
    yield ok("Chromium", said.stdout.strip() or found)


def look_at_mail() -> Iterator[Finding]:
    if any(f".{quiet}." in settings.EMAIL_BACKEND for quiet in QUIET_MAIL):
        fix = "Set EMAIL_URL, such as smtp+tls://user:password@host:587."
        place = getattr(settings, "EMAIL_FILE_PATH", None) or "nowhere"
        yield warn("mail", f"is kept here ({place}): founders get no e-mails", fix)
        return
    try:
        with mail.get_connection(timeout=SECONDS):
            pass
    except OSError as error:  # smtplib's exceptions are of this kind too
        yield fail("mail", f"the server refuses: {first_line(error)}", "Correct EMAIL_URL.")
    else:
        yield ok("mail", f"{settings.EMAIL_HOST} accepts the connection")
