"""Filters for money, time, diffs and the agent's prose, and the count of open questions."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from agents.budget.amounts import money
from cofounder.models import User
from cofounder.pages import figures, markup
from cofounder.pages.questions.open import open_questions_of
from jobs import clock
from jobs.models import Job

register = template.Library()

register.filter("money", money)
register.filter("milliseconds", figures.milliseconds)
register.filter("moment", figures.parse_moment)


@register.filter
def duration(span: Any) -> str:
    return "" if span is None else figures.duration(span)


@register.filter
def real_iso(moment: datetime | None) -> str:
    """The real moment, for scripts that count real seconds."""
    return clock.to_real(moment).isoformat(timespec="milliseconds") if moment else ""


@register.simple_tag
def local(moment: datetime | None, style: str = "day") -> SafeString | str:
    """A moment that the page's script shows in the reader's time: its `day` too, or the `clock` alone."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    words = f"{utc:%-d %B, %H:%M} UTC" if style == "day" else f"{utc:%H:%M}"
    return format_html('<time datetime="{}" data-clock="{}">{}</time>', utc.isoformat(), style, words)


@register.filter
def version(job: Job) -> str:
    """What a founder calls a build."""
    return f"Version {job.build_number}"


@register.filter
def prose(text: str) -> SafeString:
    return markup.to_html(text)


@register.filter
def diff_lines(diff: str) -> list[tuple[str, str]]:
    """Each line of a unified diff with its kind: added, removed, place or kept."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = diff.splitlines()
    names = {0, 1} if lines[1:] and lines[0].startswith("--- ") and lines[1].startswith("+++ ") else set()
    return [
        ("place" if number in names else kinds.get(line[:1], "kept"), line)
        for number, line in enumerate(lines)
    ]


@register.simple_tag
def open_questions(user: User) -> int:
    return open_questions_of(user).count()
