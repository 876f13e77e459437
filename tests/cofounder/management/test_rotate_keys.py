"""`manage.py rotate_keys`: afterwards the old key is no longer needed."""

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from pytest_django import Settings

from jobs.models import Project, ProjectSecret


@pytest.fixture
def secret(project: Project) -> ProjectSecret:
    return ProjectSecret.objects.create(project=project, name="API_KEY", value="sesame")


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_what_is_stored_is_read_with_the_new_key_alone(secret: ProjectSecret, settings: Settings) -> None:
    new = new_key()
    settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
    out = StringIO()
    call_command("rotate_keys", "--json", stdout=out)
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert json.loads(out.getvalue()) == {"encrypted": 1}
    assert ProjectSecret.objects.get().value == "sesame"


def test_a_key_that_is_missing_is_refused_and_nothing_is_changed(
    secret: ProjectSecret, settings: Settings
) -> None:
    old = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [new_key()]
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rotate_keys")
    settings.FIELD_ENCRYPTION_KEYS = old
    assert ProjectSecret.objects.get().value == "sesame"
