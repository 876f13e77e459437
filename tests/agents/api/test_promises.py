from typing import Any

import pytest
from rest_framework.test import APIClient

from jobs import briefs
from jobs.models import FounderMessage, Job, Project

BY_SIZE = {"key": "P1", "text": "a list of uniforms by size", "how_checked": ""}
OFFER = {"key": "P2", "text": "a form to offer one", "how_checked": ""}


def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/promises"


def patch(api: APIClient, project: Project, **given: Any) -> Any:
    return api.patch(path(project), given, format="json")


def test_the_promises_come_with_their_keys_and_about_what_they_cost(api: APIClient, project: Project) -> None:
    told = api.get(path(project)).json()

    assert told["version"] == 1
    assert told["promises"] == [BY_SIZE, OFFER]
    assert (told["out_of_scope"], told["needs"], told["assumptions"]) == ([], [], [])
    assert (told["estimate"]["promises"], told["estimate"]["builds"]) == (2, 0)
    assert told["estimate"]["cost_microdollars"] == 3_000_000


def test_an_edit_is_a_new_version_that_keeps_keys_and_must_have_follows(
    api: APIClient, project: Project
) -> None:
    wanted = [OFFER | {"text": "a form to give one away", "how_checked": "I fill it in"}, {"text": "a map"}]

    answer = patch(api, project, version=1, promises=wanted, needs=["A logo"])

    assert answer.status_code == 200
    told = answer.json()
    assert told["version"] == 2
    assert told["promises"] == [
        {"key": "P2", "text": "a form to give one away", "how_checked": "I fill it in"},
        {"key": "P3", "text": "a map", "how_checked": ""},
    ]
    brief = api.get(f"/api/projects/{project.pk}").json()["idea_brief"]
    assert brief["must_have"] == ["a form to give one away", "a map"]
    assert (brief["needs"], brief["problem"]) == (
        ["A logo"],
        "Parents swap school uniforms in a chat nobody can search.",
    )


def test_the_same_list_again_makes_no_version_even_where_it_is_sent_late(
    api: APIClient, project: Project
) -> None:
    wanted = [BY_SIZE, {"text": "a map"}]
    first = patch(api, project, version=1, promises=wanted).json()

    again = patch(api, project, version=1, promises=first["promises"])

    assert (again.status_code, again.json()["version"]) == (200, 2)


def test_an_edit_of_an_older_version_is_refused_and_changes_nothing(api: APIClient, project: Project) -> None:
    patch(api, project, version=1, promises=[BY_SIZE])

    answer = patch(api, project, version=1, promises=[OFFER, BY_SIZE, {"text": "a map"}])

    assert answer.status_code in (400, 409)
    answer = patch(api, project, version=1, promises=[BY_SIZE, {"text": "a map"}])
    assert answer.status_code == 409
    assert "version 2" in answer.json()["error"]["message"]
    assert api.get(path(project)).json()["promises"] == [BY_SIZE]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"promises": []}, "One promise has to stay"),
        ({"promises": "a"}, "must be a list"),
        ({"promises": [{"text": ""}]}, "is empty"),
        ({"promises": [{"text": "a"}, {"text": " A "}]}, "promised already"),
        ({"promises": [{"key": "P7", "text": "a"}]}, "no promise “P7”"),
        ({"promises": [{"text": "x" * 1001}]}, "at most 1,000"),
        ({"promises": [{"text": f"p{number}"} for number in range(51)]}, "at most 50"),
        ({"out_of_scope": "a"}, "must be a list"),
        ({"version": "new"}, "valid"),
    ],
)
def test_what_cannot_be_promised_is_refused_with_a_sentence(
    api: APIClient, project: Project, given: dict[str, Any], sentence: str
) -> None:
    answer = patch(api, project, **given)

    assert answer.status_code == 400
    assert sentence in str(answer.json()["error"])
    assert briefs.latest_brief(project).version == 1  # type: ignore[union-attr]


def test_fifty_promises_are_taken(api: APIClient, project: Project) -> None:
    answer = patch(api, project, promises=[{"text": f"promise {number}"} for number in range(50)])
    assert len(answer.json()["promises"]) == 50


def test_somebody_elses_promises_do_not_exist(other_api: APIClient, project: Project) -> None:
    assert other_api.get(path(project)).status_code == 404
    assert patch(other_api, project, promises=[BY_SIZE]).status_code == 404


@pytest.mark.parametrize("how", ["promises", "must_have"])
def test_a_build_under_way_is_told_once_and_keeps_to_the_new_version(
    api: APIClient, build: Job, how: str
) -> None:
    project = build.project
    for _ in range(2):
        if how == "promises":
            patch(
                api, project, promises=[BY_SIZE, {"key": "P3", "text": "a map"} if _ else {"text": "a map"}]
            )
        else:
            brief = {**briefs.latest_brief(project).current_content, "must_have": [BY_SIZE["text"], "a map"]}  # type: ignore[union-attr]
            api.patch(f"/api/projects/{project.pk}", {"idea_brief": brief}, format="json")

    told = FounderMessage.objects.get(job=build)
    assert told.text.splitlines() == [
        "I have changed the brief.",
        "New promise P3: a map",
        "No longer promised, P2: a form to offer one",
    ]
    build.refresh_from_db()
    assert build.idea_brief == briefs.latest_brief(project) or how == "must_have"


def test_a_build_that_is_over_keeps_the_version_it_was_made_from(api: APIClient, build: Job) -> None:
    Job.objects.filter(pk=build.pk).update(status="ready")

    patch(api, build.project, promises=[BY_SIZE])

    build.refresh_from_db()
    assert build.idea_brief is not None
    assert build.idea_brief.version == 1
    assert not FounderMessage.objects.filter(job=build).exists()
