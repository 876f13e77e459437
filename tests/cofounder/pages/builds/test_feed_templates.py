"""Each event type has a template that renders, with or without a payload."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.template.loader import get_template
from django.test import RequestFactory

from cofounder.pages.builds import feed
from jobs import clock
from jobs.models import EventType, Job, JobEvent

SILENT = {EventType.BUDGET_UPDATED, EventType.AGENT_STATE, EventType.ESCALATION_RESOLVED}


@pytest.mark.parametrize("event_type", EventType)
def test_every_event_type_has_a_template(event_type: EventType) -> None:
    job = Job(build_number=1)
    event = JobEvent(job=job, seq=7, type=event_type, payload={}, created_at=datetime.now(UTC))
    context = {"job": job, "event": event, "payload": {}, "entry_id": "entry-7", "question": None}
    html = get_template(feed.template_name(event_type)).render(context).strip()
    assert bool(html) is (event_type not in SILENT)


def test_a_question_that_is_gone_is_still_told(working_job: Job, rf: RequestFactory) -> None:
    JobEvent.objects.all().delete()
    event = JobEvent.objects.create(
        job=working_job,
        seq=900,
        type=EventType.WAITING_FOR_INPUT,
        payload={"escalation_id": "5f0f3f1e-0000-4000-8000-000000000000", "problem": "Which colour?"},
        created_at=clock.now(),
    )
    [entry] = feed.render(working_job, feed.Stretch([event], False), rf.get("/"))
    assert "Which colour?" in entry


def _narrating(event_type: EventType, **payload: Any) -> JobEvent:
    payload = {"call_id": "c1", "tool": "narrate", "label": "Told you what is happening", **payload}
    return JobEvent(seq=7, type=event_type, payload=payload, created_at=clock.now())


def test_a_call_that_tells_something_is_shown_only_when_it_failed(job: Job, rf: RequestFactory) -> None:
    begun, done = _narrating(EventType.TOOL_CALLED), _narrating(EventType.TOOL_FINISHED, ok=True)
    failed = _narrating(EventType.TOOL_FINISHED, ok=False)
    shown = [feed.render(job, feed.Stretch([event], False), rf.get("/")) for event in (begun, done, failed)]
    assert [len(entries) for entries in shown] == [0, 0, 1]


def test_databases_and_files_that_were_being_written_are_named(job: Job, rf: RequestFactory) -> None:
    payload: dict[str, Any] = {
        "ok": True,
        "files": 4,
        "size": 2048,
        "databases": ["data/app.db"],
        "moving": ["logs/app.log"],
        "kept": [{"path": "<cache>.bin", "as_of": "2026-11-21T12:34:00+00:00"}],
        "as_read": ["queue.bin"],
    }
    event = JobEvent(seq=7, type=EventType.SNAPSHOT_UPDATED, payload=payload, created_at=clock.now())
    [entry] = feed.render(job, feed.Stretch([event], False), rf.get("/"))
    for sentence, path in {
        "everything that was in them at that moment": "data/app.db",
        "copied in a quiet moment": "logs/app.log",
        "the last whole copy is kept": "&lt;cache&gt;.bin",
        "perhaps half written": "queue.bin",
    }.items():
        assert f"<code>{path}</code>" in entry.split(sentence)[1].split("</p>")[0]
    assert "12:34" in entry
    plain = JobEvent(seq=8, type=EventType.SNAPSHOT_UPDATED, payload={"ok": True}, created_at=clock.now())
    [entry] = feed.render(job, feed.Stretch([plain], False), rf.get("/"))
    assert "<code>" not in entry
