"""The command that ends unused sandboxes, as an operator uses it."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from pytest_django import Settings

from agents.sandbox import provider
from agents.sandbox.workspace import Workspace
from agents.worker import reaper
from jobs.models import Job

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("transactional_db"),
]


@pytest.fixture
def orphan(e2b: str, build: Job, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sandbox of a build whose session knows another one."""
    monkeypatch.setattr(reaper, "YOUNG", timedelta(0))
    names: dict[str, Any] = {"project_id": build.project_id, "job_id": build.pk}
    made = async_to_sync(Workspace.open)(**names, epoch=1)
    type(build).objects.filter(pk=build.pk).update(status="cancelled")
    type(build.session).objects.filter(pk=build.pk).update(state="cancelled")
    return made.sandbox_id


def run(*options: str) -> str:
    out = StringIO()
    call_command("reap_sandboxes", *options, stdout=out)
    return out.getvalue()


def exists(sandbox_id: str) -> bool:
    return sandbox_id in [found.sandbox_id for found in async_to_sync(provider.found)()]


def test_it_says_what_it_would_end_and_then_ends_it(orphan: str) -> None:
    said = json.loads(run("--dry-run", "--json"))
    [mine] = [each for each in said["sandboxes"] if each["sandbox_id"] == orphan]
    assert (said["dry_run"], mine["why"], mine["done"]) == (True, "orphan", False)
    assert f"{orphan} of build" in run("--dry-run")
    assert exists(orphan)
    assert "it belongs to no build: ended." in run()
    assert not exists(orphan)
    assert run() == "There are no sandboxes to end.\n"


def test_a_provider_that_is_away_is_told_in_a_sentence(e2b: str, settings: Settings, tiers: None) -> None:
    settings.E2B_API_URL = "http://127.0.0.1:9"
    with pytest.raises(CommandError, match=r"The sandbox does not answer\. Nothing more was ended\."):
        run()
