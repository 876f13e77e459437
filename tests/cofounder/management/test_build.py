import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management.base import CommandError

from cofounder.management.commands import build
from jobs.briefs import BadBrief
from jobs.errors import Unavailable

GOOD = {"name": "A", "goal": "One page", "idea_brief": {"problem": "x", "must_have": ["a page"]}}


@pytest.fixture
def brief(tmp_path: Path) -> Path:
    return tmp_path / "brief.json"


def test_a_good_brief_is_read_as_it_is(brief: Path) -> None:
    brief.write_text(json.dumps(GOOD))

    assert build.read_brief(brief) == {**GOOD, "interview": None}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"goal": ""}, "needs a goal"),
        ({"name": ""}, "needs a name"),
        ({"idea_brief": None}, "needs an idea_brief"),
        ({"idea_brief": {}}, "at least one field"),
        ({"idea_brief": {"must_have": "a page"}}, "must_have must be a list of texts"),
        ({"idea_brief": {"problem": "x" * 200_000}}, "200,000 characters"),
        ({"idea_brief": {"problem": "bell \a"}}, "control characters"),
        ({"interview": [{"answer": "yes"}]}, "needs a question"),
    ],
)
def test_a_brief_that_cannot_be_used_is_refused(brief: Path, change: dict[str, Any], sentence: str) -> None:
    brief.write_text(json.dumps({**GOOD, **change}))

    with pytest.raises(BadBrief, match=sentence):
        build.read_brief(brief)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff\xfe{}", "is not valid JSON in UTF-8"),
        (b"[" * 100_000, "is not valid JSON"),
        (b"{}", "must hold an object"),
        (b"[]", "must hold an object"),
        (b'{"colour": "red"}', "fields a brief does not know: colour"),
        (b" " * 1_000_001, "is larger than 1,000,000 bytes"),
    ],
    ids=range(7),
)
def test_a_file_that_is_not_a_brief_is_refused(brief: Path, content: bytes, sentence: str) -> None:
    brief.write_bytes(content)

    with pytest.raises(CommandError, match=sentence):
        build.read_brief(brief)


def test_a_file_that_is_missing_is_refused(brief: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        build.read_brief(brief)


def test_an_invalid_id_is_refused() -> None:
    with pytest.raises(CommandError, match="not a project's id"):
        build.read_id("nonsense")


def test_an_owner_without_an_address_is_refused() -> None:
    with pytest.raises(CommandError, match="not an e-mail address"):
        build.read_owner("nobody")


def test_nothing_is_built_where_building_is_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUTONOMOUS_AGENT", False)

    with pytest.raises(Unavailable, match="switched off"):
        build.need_building()


def run(*arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "manage.py", "build", *arguments]
    everything = {**os.environ, "DJANGO_SETTINGS_MODULE": "cofounder.settings", **env}
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=everything, capture_output=True, text=True, check=False
    )


@pytest.mark.services
@pytest.mark.parametrize(
    ("arguments", "env", "sentence"),
    [
        (["--brief", "missing.json"], {}, "cannot be read"),
        (["--project", "nonsense"], {}, "not a project's id"),
        (["--brief", "rehearsal/briefs/borrow-shelf.json"], {"AUTONOMOUS_AGENT": "no"}, "switched off"),
        (["--brief", "rehearsal/briefs/borrow-shelf.json"], {"DEBUG": "maybe"}, "must be true or false"),
        (
            ["--brief", "rehearsal/briefs/borrow-shelf.json"],
            {"DATABASE_URL": "postgresql://u@127.0.0.1:1/x"},
            "PostgreSQL that DATABASE_URL names cannot be used",
        ),
    ],
)
def test_a_refusal_is_one_sentence_and_1(arguments: list[str], env: dict[str, Any], sentence: str) -> None:
    done = run(*arguments, **env)

    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
