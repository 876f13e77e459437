"""Pages for reading transcripts and event logs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from agents.models import AgentMessage
from jobs.admin_base import BoundedPaginator, ModelAdmin
from jobs.models import JobEvent

PER_PAGE = 50
SHORT = 600  # characters shown before a passage is expanded


@dataclass(frozen=True)
class Passage:
    """A text under a heading; of a long one only the beginning is shown at first."""

    heading: str
    text: str

    @property
    def beginning(self) -> str:
        return self.text[:SHORT]

    @property
    def is_long(self) -> bool:
        return len(self.text) > SHORT


@dataclass(frozen=True)
class Entry:
    """One row as a person reads it."""

    number: int
    kind: str
    label: str
    moment: datetime
    passages: list[Passage]


def page(
    model_admin: ModelAdmin,
    request: HttpRequest,
    about: Model,
    rows: QuerySet[Any],
    read: Callable[[Any], Entry],
    title: str,
) -> HttpResponse:
    listed = BoundedPaginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "opts": model_admin.opts,
        "about": about,
        "listed": listed,
        "entries": [read(row) for row in listed.object_list],
    }
    return TemplateResponse(request, "admin/reading.html", context)


def event(row: JobEvent) -> Entry:
    passages = [Passage(name, _text(value)) for name, value in row.payload.items() if value not in ("", None)]
    return Entry(row.seq, row.type, row.get_type_display(), row.created_at, passages)


def message(row: AgentMessage) -> Entry:
    passages = [passage for block in row.content for passage in _passages(block)]
    return Entry(row.position, row.role, row.get_role_display(), row.created_at, passages)


def _passages(block: dict[str, Any]) -> Iterator[Passage]:
    match block.get("type"):
        case "text":
            yield Passage("", _text(block["text"]))
        case "thinking":
            yield Passage("thinks", _text(block.get("thinking", "")))
        case "tool_use":
            yield Passage(f"calls {block['name']}", _text(block["input"]))
        case "tool_result":
            yield Passage("failed" if block.get("is_error") else "result", _result(block.get("content", "")))
        case kind:
            yield Passage(str(kind), _text({name: block[name] for name in block if name != "type"}))


def _result(content: Any) -> str:
    """A tool's result as text; images are only named."""
    if not isinstance(content, list):
        return _text(content)
    return "\n".join(
        _text(part["text"]) if part["type"] == "text" else f"[{part['type']}]" for part in content
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
