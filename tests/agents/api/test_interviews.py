"""An interview over the API: begin, answer, approve; somebody else's is nobody's."""

import uuid

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from agents.interview import desk
from agents.interview.topics import Topic
from agents.models import InterviewProgress, Subscription
from cofounder.models import User
from jobs.models import Project
from tests.agents.interview.test_desk import TEXT, take_step

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def progress(founder: User) -> InterviewProgress:
    return take_step(desk.begin(founder, TEXT), Topic.JOB)


def test_a_sentence_begins_an_interview(api: APIClient) -> None:
    answer = api.post("/api/interviews", {"text": TEXT})

    assert answer.status_code == 201
    told = api.get(f"/api/interviews/{answer.data['id']}").json()
    assert (told["state"], told["text"], told["questions"]) == ("thinking", TEXT, [])


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": 7}, {"text": "x" * 50_001}])
def test_what_is_no_sentence_is_400(api: APIClient, body: dict[str, object]) -> None:
    answer = api.post("/api/interviews", body)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert not Project.objects.exists()


def test_switched_off_is_503_and_suspended_402(api: APIClient, settings: Settings) -> None:
    settings.AUTONOMOUS_AGENT = False
    assert api.post("/api/interviews", {"text": TEXT}).status_code == 503
    settings.AUTONOMOUS_AGENT = True
    Subscription.objects.update(suspended=True)
    assert api.post("/api/interviews", {"text": TEXT}).status_code == 402


def test_a_question_comes_with_its_choices_and_is_answered_once(
    api: APIClient, progress: InterviewProgress
) -> None:
    address = f"/api/interviews/{progress.pk}"
    (question,) = api.get(address).json()["questions"]
    assert question["recommended"] == question["options"][0]["value"] == "Yes"
    assert question["why"]

    given = {"question_id": "q1", "how": "option", "answer": "Yes"}
    first, second = (api.post(f"{address}/answers", given) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["version"] == second.json()["version"]
    assert api.post(f"{address}/answers", {**given, "answer": "No"}).status_code == 409
    assert api.post(f"{address}/answers", {**given, "answer": "No", "change": True}).status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"question_id": "q1", "how": "shout"},
        {"question_id": "q9", "how": "skip"},
        {"question_id": "q1", "how": "own", "answer": ""},
    ],
)
def test_an_unusable_answer_is_400(
    api: APIClient, progress: InterviewProgress, given: dict[str, str]
) -> None:
    assert api.post(f"/api/interviews/{progress.pk}/answers", given).status_code == 400


def test_approving_makes_the_brief_and_a_later_answer_is_409(
    api: APIClient, progress: InterviewProgress
) -> None:
    address = f"/api/interviews/{progress.pk}"
    first, second = (api.post(f"{address}/approve") for _ in range(2))

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert len(first.json()["idea_brief"]["must_have"]) == 3
    given = {"question_id": "q1", "how": "skip"}
    assert api.post(f"{address}/answers", given).status_code == 409
    started = api.post("/api/generation/start", {"project_id": first.json()["id"]})
    assert started.status_code == 201


def test_without_a_brief_approving_is_409(api: APIClient) -> None:
    begun = api.post("/api/interviews", {"text": TEXT}).json()["id"]
    assert api.post(f"/api/interviews/{begun}/approve").status_code == 409


def test_somebody_elses_interview_is_404(other_api: APIClient, progress: InterviewProgress) -> None:
    for interview_id in (progress.pk, uuid.uuid4()):
        address = f"/api/interviews/{interview_id}"
        assert other_api.get(address).status_code == 404
        assert other_api.post(f"{address}/answers", {}).status_code == 404
        assert other_api.post(f"{address}/approve").status_code == 404
