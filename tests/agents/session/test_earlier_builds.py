"""What the next build learns from a project's earlier builds, and asking for a change to a ready build."""

import json
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from agents.actions.start import start_build
from agents.builds import transactions
from agents.checkpoint import step
from agents.models import AgentSession, BuildDocument
from agents.session import earlier_builds
from cofounder.models import User
from escalations.models import AgentEscalation
from jobs import clock
from jobs.models import EventType, FounderMessage, Job, JobStatus, Project
from tests.agents.claims import claim_of


def ended(job: Job, status: JobStatus = JobStatus.READY) -> Job:
    Job.objects.filter(pk=job.pk).update(status=status)
    return job


def say(job: Job, text: str) -> None:
    FounderMessage.objects.create(job=job, text=text, created_at=clock.now())


def prompt_of(job: Job) -> str:
    with transaction.atomic():
        owner = claim_of(job)
        transactions.prepare_session(
            owner, AgentSession.objects.select_related("job__project").get(pk=job.pk)
        )
    return AgentSession.objects.get(pk=job.pk).system_prompt


def element(prompt: str, name: str) -> Any:
    return json.loads(prompt.split(f"<{name}>")[1].split(f"</{name}>", maxsplit=1)[0])


def test_a_change_is_asked_for_with_the_earlier_brief_and_goal(build: Job, project: Project) -> None:
    ended(build)
    change = "Sort it by <size>, please."
    given = element(prompt_of(start_build(project, goal=change)[0]), "founder_input")
    assert (given["change"], given["goal"]) == (change, "One school by September")
    assert given["idea_brief"]["must_have"] == ["a list of uniforms by size", "a form to offer one"]
    assert given["interview"][0]["answer"] == "Everyone with the link."


def test_the_prompt_holds_the_earlier_answers_words_and_documents_verbatim(
    build: Job, project: Project, founder: User
) -> None:
    say(build, "Please no <blink> tags.\nEver.")
    AgentEscalation.objects.create(
        session_id=build.pk,
        job=build,
        project=project,
        error_type="product_decision",
        error_signature="s",
        plain_english_problem="Letters or ages?",
        options=[{"value": "ages", "label": "Ages", "description": "5-6, 7-8"}],
        status=AgentEscalation.Status.RESOLVED,
        founder_decision="ages",
        founder_guidance="As on the label.",
        created_at=clock.now(),
    )
    BuildDocument.objects.create(job=build, section="faq", content="Ask Ann.", updated_at=clock.now())
    ended(build)
    told = element(prompt_of(start_build(project, goal="Sort it.")[0]), "earlier_builds")
    (first,) = told["builds"]
    assert (first["build"], first["messages"]) == ("build_v0_1", ["Please no <blink> tags.\nEver."])
    answer = first["answers"][0]
    assert (answer["problem"], answer["meaning"]) == ("Letters or ages?", "Ages: 5-6, 7-8")
    assert answer["guidance"] == "As on the label."
    assert told["documents"] == {"faq": "Ask Ann."}


def test_a_first_build_hears_of_no_other(build: Job) -> None:
    prompt = prompt_of(build)
    assert "earlier_builds" not in prompt
    assert "change" not in element(prompt, "founder_input")
    assert "\n\n\n" not in prompt


def test_the_change_is_in_the_log_and_heard_once(build: Job, project: Project) -> None:
    ended(build)
    job = start_build(project, goal="Sort it by size.")[0]
    said = job.events.get(type=EventType.AGENT_MESSAGE)
    assert (said.payload["text"], said.payload["author"]) == ("Sort it by size.", "founder")
    owner = claim_of(job)
    with transaction.atomic():
        heard = step.begin(owner, []).rows
    assert ["Sort it by size." in row.content[0]["text"] for row in heard] == [True]
    assert FounderMessage.objects.get().delivered_at is not None


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
def test_after_a_build_that_was_never_ready_the_goal_is_a_goal(
    build: Job, project: Project, status: JobStatus
) -> None:
    say(build, "Blue, please.")
    ended(build, status)
    job = start_build(project, goal="Two schools by May")[0]
    prompt = prompt_of(job)
    assert element(prompt, "founder_input")["goal"] == "Two schools by May"
    assert element(prompt, "earlier_builds")["builds"][0]["messages"] == ["Blue, please."]
    assert not job.messages.exists()


def test_building_again_without_a_goal_changes_nothing(build: Job, project: Project) -> None:
    ended(build)
    job = start_build(project)[0]
    assert "change" not in element(prompt_of(job), "founder_input")
    assert not job.messages.exists()


def test_of_too_many_words_the_oldest_are_left_out_and_counted(build: Job, project: Project) -> None:
    jobs = [ended(build)]
    for number in range(2):
        jobs.append(ended(start_build(project, goal=f"Change {number}")[0]))
    for job in jobs:
        say(job, "x" * 20_000)
    left = earlier_builds.left_by_earlier_builds(start_build(project, goal="The last one")[0])
    assert [told["build"] for told in left["builds"]] == ["build_v0_2", "build_v0_3"]
    assert left["older_builds_left_out"] == 1


def test_the_api_starts_a_change(api: APIClient, build: Job, project: Project) -> None:
    ended(build)
    body = {"project_id": str(project.pk), "goal": "Sort it by size."}
    answer = api.post("/api/generation/start", body)
    assert answer.status_code == 201
    messages = api.get(f"/api/jobs/{answer.json()['job_id']}/messages").json()
    assert [message["text"] for message in messages] == ["Sort it by size."]
    again = api.post("/api/generation/start", body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
