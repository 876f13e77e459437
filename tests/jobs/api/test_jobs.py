import uuid
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from jobs import events
from jobs.models import EventType, Job, Phase

VIEWS = ["", "/events", "/phases", "/checks"]


def say(build: Job, *texts: Any) -> None:
    events.record_all(build.pk, [(EventType.AGENT_NARRATION, {"text": text, "phase": ""}) for text in texts])


def test_a_job_is_shown(api: APIClient, build: Job) -> None:
    answer = api.get(f"/api/jobs/{build.pk}").json()
    assert (answer["id"], answer["project_id"]) == (str(build.pk), str(build.project_id))
    assert (answer["status"], answer["build_version"], answer["last_seq"]) == ("queued", "build_v0_1", 1)


def test_jobs_are_listed_for_their_owner_alone(api: APIClient, other_api: APIClient, build: Job) -> None:
    assert [row["id"] for row in api.get("/api/jobs").json()] == [str(build.pk)]
    assert other_api.get("/api/jobs").json() == []


def test_jobs_can_be_listed_by_project(api: APIClient, other_api: APIClient, build: Job) -> None:
    assert len(api.get(f"/api/jobs?project_id={build.project_id}").json()) == 1
    assert api.get("/api/jobs?project_id=seven").status_code == 404
    assert other_api.get(f"/api/jobs?project_id={build.project_id}").status_code == 404


def test_events_are_the_frames_of_the_log_in_order(api: APIClient, build: Job) -> None:
    say(build, "one", "two")
    frames = api.get(f"/api/jobs/{build.pk}/events").json()
    assert frames == [events.frame(event) for event in build.events.all()]
    assert [frame["seq"] for frame in frames] == [1, 2, 3]


def test_events_after_a_number_come_in_pages(api: APIClient, build: Job) -> None:
    say(build, *"abcde")
    first = api.get(f"/api/jobs/{build.pk}/events?after=1&limit=3")
    second = api.get(first["Link"].split(";")[0].strip("<>"))
    assert [frame["seq"] for frame in first.json() + second.json()] == [2, 3, 4, 5, 6]
    assert "Link" not in second


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 30, "\u0663"])
def test_events_after_no_number_are_refused(api: APIClient, build: Job, after: str) -> None:
    answer = api.get(f"/api/jobs/{build.pk}/events", {"after": after})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["after"])


def test_events_after_the_last_are_none(api: APIClient, build: Job) -> None:
    assert api.get(f"/api/jobs/{build.pk}/events?after=99").json() == []


def test_phases_come_in_their_order(api: APIClient, build: Job) -> None:
    for position, name in ((2, "Form"), (1, "List")):
        Phase.objects.create(job=build, position=position, name=name)
    assert [row["name"] for row in api.get(f"/api/jobs/{build.pk}/phases").json()] == ["List", "Form"]


def test_checks_give_the_newest_result_of_each_promise(api: APIClient, build: Job) -> None:
    for promise, ok in (("a form", False), ("a list", True), ("a form", True)):
        payload: dict[str, Any] = {
            "promise": promise,
            "run": "true",
            "ok": ok,
            "output": "",
            "duration_ms": 3,
        }
        events.record(build.pk, EventType.CHECK_FINISHED, **payload)
    rows = api.get(f"/api/jobs/{build.pk}/checks").json()
    assert [(row["promise"], row["ok"]) for row in rows] == [("a form", True), ("a list", True)]


def test_checks_say_which_promises_were_kept_broken_and_not_judged(api: APIClient, build: Job) -> None:
    said: dict[str, dict[str, Any]] = {
        "of an older version": {"ok": True},
        "broken": {"ok": False, "verdict": "not_kept"},
        "not judged": {"ok": False, "verdict": "not_judged"},
    }
    for promise, verdict in said.items():
        payload = {"promise": promise, "run": "", "output": "", "duration_ms": 0, **verdict}
        events.record(build.pk, EventType.CHECK_FINISHED, **payload)
    rows = api.get(f"/api/jobs/{build.pk}/checks").json()
    assert [(row["ok"], row["verdict"]) for row in rows] == [
        (True, "kept"),
        (False, "not_kept"),
        (False, "not_judged"),
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_another_founder_s_job_is_not_there(other_api: APIClient, build: Job, view: str) -> None:
    assert other_api.get(f"/api/jobs/{build.pk}{view}").status_code == 404


@pytest.mark.parametrize("view", VIEWS)
def test_a_missing_job_is_not_there(api: APIClient, view: str) -> None:
    assert api.get(f"/api/jobs/{uuid.uuid4()}{view}").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("view", VIEWS)
def test_jobs_are_only_read_here(api: APIClient, build: Job, view: str) -> None:
    assert api.post(f"/api/jobs/{build.pk}{view}").status_code == 405


@pytest.mark.parametrize("view", VIEWS)
def test_signed_out_nothing_is_shown(client: Client, build: Job, view: str) -> None:
    assert client.get(f"/api/jobs/{build.pk}{view}").status_code == 401
