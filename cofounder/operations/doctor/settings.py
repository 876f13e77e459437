"""Settings that are unsafe on a public site."""

import os
from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from agents.budget.amounts import dollars
from cofounder.operations.doctor.finding import Finding, fail, ok, warn


def look_at_settings() -> Iterator[Finding]:
    """Check for settings that are unsafe on a public site."""
    found = [fail("settings", said, fix) for is_unsafe, said, fix in _unsafe() if is_unsafe and _is_public()]
    found += [warn("settings", said, fix) for is_odd, said, fix in _odd() if is_odd]
    found += [
        warn("settings", message.msg.split(". ")[0], message.hint or f"See {message.id}.")
        for message in checks.run_checks(include_deployment_checks=_is_public())
        if not message.is_silenced() and message.level >= checks.WARNING
    ]
    yield from found or [ok("settings", "nothing unsafe was found")]


def _is_public() -> bool:
    """Whether this install is set up for others: with an address, or a database, of its own."""
    return bool(os.environ.get("BASE_URL") or os.environ.get("DATABASE_URL"))


def _unsafe() -> list[tuple[bool, str, str]]:
    """What a public site must not have: whether this one has it, in words, and the fix."""
    return [
        (settings.DEBUG, "DEBUG is on: error pages show source code to everyone", "Set DEBUG=false."),
        (not settings.BASE_URL.startswith("https://"), "BASE_URL is not https", "Put TLS before the site."),
        ("*" in settings.ALLOWED_HOSTS, "ALLOWED_HOSTS is *", "Name the hosts the site answers to."),
        (len(settings.SECRET_KEY) < 50, "SECRET_KEY is short", "Use 50 random characters or more."),
        (
            settings.SELF_SERVICE_TOP_UP,
            "founders may give themselves money",
            "Set SELF_SERVICE_TOP_UP=false.",
        ),
        (
            not os.environ.get("EMAIL_URL"),
            "mails stay on this disk, so nobody can confirm an address and get a plan",
            "Set EMAIL_URL, such as smtp+tls://user:password@host:587.",
        ),
    ]


def _odd() -> list[tuple[bool, str, str]]:
    """What may be intended, but should be known."""
    is_alone = bool(os.environ.get("DATABASE_URL")) and not settings.PROJECT_SNAPSHOT_BUCKET
    kept = [name for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS") if not os.environ.get(name)]
    return [
        (
            bool(kept),
            f"{' and '.join(kept)} are kept on this disk only",
            "Set them, and keep a copy elsewhere.",
        ),
        (not settings.MAX_DAILY_SPEND, "the install may spend without a cap", "Set MAX_DAILY_SPEND."),
        (
            _is_public() and not os.environ.get("MAX_DAILY_SPEND"),
            f"all founders together may spend {dollars(settings.MAX_DAILY_SPEND)} a day, the default",
            "Set MAX_DAILY_SPEND to what this install should spend at most.",
        ),
        (is_alone, "snapshots are kept on this disk only", "Set PROJECT_SNAPSHOT_BUCKET, or back them up."),
    ]
