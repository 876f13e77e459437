import importlib

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from cofounder.models import User
from jobs import briefs, promises
from jobs.models import Artifact, Job, Project, Promise
from jobs.promises import Promised


def told(project: Project, version: int) -> list[tuple[str, str]]:
    return [(promise.key, promise.text) for promise in promises.of_version(project.pk, version)]


def test_a_brief_makes_its_must_have_promises_in_its_order(project: Project) -> None:
    assert told(project, 1) == [("P1", "a list of uniforms by size"), ("P2", "a form to offer one")]


def test_unchanged_sentences_keep_their_keys_and_no_key_is_used_again(project: Project) -> None:
    briefs.add_brief(project, {"must_have": ["a form to offer one", "a search"]})
    briefs.add_brief(project, {"must_have": ["a search", "a map"]})

    assert told(project, 1) == [("P1", "a list of uniforms by size"), ("P2", "a form to offer one")]
    assert told(project, 2) == [("P2", "a form to offer one"), ("P3", "a search")]
    assert told(project, 3) == [("P3", "a search"), ("P4", "a map")]


def test_a_sentence_that_comes_back_has_its_old_key(project: Project) -> None:
    briefs.add_brief(project, {"must_have": ["a search"]})
    briefs.add_brief(project, {"must_have": ["a search", "A form to  offer one"]})

    assert told(project, 3) == [("P3", "a search"), ("P2", "A form to  offer one")]


def test_an_edited_text_keeps_its_key_and_each_version_its_words(project: Project) -> None:
    wanted = [Promised("a list by size and colour", "I look at it", "P1"), Promised("a search")]
    brief = briefs.add_brief(project, {"problem": "x"}, wanted=wanted)

    assert told(project, 1)[0] == ("P1", "a list of uniforms by size")
    assert told(project, 2) == [("P1", "a list by size and colour"), ("P3", "a search")]
    assert brief.current_content == {"problem": "x", "must_have": ["a list by size and colour", "a search"]}
    assert promises.of_version(project.pk, 2)[0].how_checked == "I look at it"


def test_the_same_words_twice_are_one_promise(founder: User) -> None:
    brief = {"must_have": ["A list", "a  LIST", "a form"]}
    project = briefs.create_project(owner=founder, name="N", goal="G", idea_brief=brief)

    assert told(project, 1) == [("P1", "A list"), ("P2", "a form")]
    assert briefs.latest_brief(project).current_content == brief  # type: ignore[union-attr]


def test_how_a_promise_is_checked_is_kept_with_its_sentence(project: Project) -> None:
    content = {"must_have": ["a list of uniforms by size", "a map"]}
    briefs.add_brief(project, content, how_checked={"a map": "I look for one"})
    briefs.add_brief(project, content)

    assert [promise.how_checked for promise in promises.of_version(project.pk, 3)] == ["", "I look for one"]
    assert Promise.objects.get(text="a map").until_version is None


def test_a_build_keeps_the_promises_of_the_brief_it_began_with(build: Job) -> None:
    briefs.add_brief(build.project, {"must_have": ["a map"]})

    assert [promise.key for promise in promises.of_job(Job.objects.get(pk=build.pk))] == ["P1", "P2"]


@pytest.mark.parametrize("named", ["P2", "p2", " A  form ", "a form"])
def test_a_promise_is_found_by_its_key_or_by_its_words(named: str) -> None:
    promised = [Promised("a list", key="P1"), Promised("a form", key="P2")]

    assert promises.find(promised, named) == promised[1]
    assert promises.find(promised, "P3") is None


def test_words_that_look_like_a_key_name_the_promise_with_these_words() -> None:
    promised = [Promised("P2", key="P1"), Promised("a form", key="P2")]

    assert promises.find(promised, "P2") == promised[0]


def test_a_difference_tells_what_is_new_changed_gone_and_the_same() -> None:
    before = [Promised("a", key="P1"), Promised("b", key="P2"), Promised("c", key="P3")]
    after = [Promised("d", key="P4"), Promised("c", key="P3"), Promised("B!", key="P2")]

    found = promises.difference(before, after)

    assert found.new == (after[0],)
    assert found.changed == ((before[1], after[2]),)
    assert found.gone == (before[0],)
    assert found.same == (after[1],)
    assert found.to_build == 2
    assert promises.difference(before, before[::-1]).is_empty


def test_the_migration_makes_the_rows_that_the_briefs_would_have_made(project: Project) -> None:
    briefs.add_brief(project, {"must_have": ["a form to offer one", "a search"]})
    briefs.add_brief(project, {"must_have": ["a search", "a list of uniforms by size"]})
    wanted = {version: told(project, version) for version in (1, 2, 3)}
    stored = Promise.objects.order_by("key", "since_version").values_list(
        "key", "since_version", "until_version"
    )
    rows = list(stored)
    Promise.objects.all().delete()
    Artifact.objects.create(
        project=project,
        artifact_type="idea_brief",
        current_content="old",
        version=4,
        created_at=project.created_at,
    )

    migration = importlib.import_module("jobs.migrations.0005_promises")
    state = MigrationExecutor(connection).loader.project_state(("jobs", "0005_promises"))
    migration.make_promises(state.apps, None)

    assert {version: told(project, version) for version in (1, 2, 3)} == wanted
    assert told(project, 4) == []
    assert [(key, since) for key, since, _ in rows] == [(key, since) for key, since, _ in stored.all()]
