"""A project's secrets: credentials the founder gives, by the name of their environment variable.

They are stored encrypted and passed to the sandbox's commands. Wherever output is shown or files are saved,
their values are redacted; a value so short that it could be an ordinary word is refused here.
"""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from jobs.errors import CofounderError
from jobs.models import ProjectSecret

MOST_AT_ONCE = 20
MOST = 100  # of a project
LEAST_VALUE = 6  # characters of one of its lines
LONGEST_VALUE = 10_000
LONGEST_NAME = 100
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# Variables that the sandbox and its shell need.
RESERVED = frozenset(
    {
        *(
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "PWD",
            "OLDPWD",
            "TERM",
            "LANG",
            "TMPDIR",
            "IFS",
            "ENV",
        ),
        *("PORT", "PREVIEW_URL", "PYTHONPATH", "PYTHONHOME", "NODE_OPTIONS", "NODE_PATH"),
    }
)
RESERVED_BEGINNINGS = ("COFOUNDER_", "LD_", "BASH", "LC_")


class BadSecret(CofounderError):
    """The secret cannot be used as it is."""


@sensitive_variables()
def clean(given: Any) -> dict[str, str]:
    """Validated secrets by name; no error message ever repeats a value."""
    if not isinstance(given, dict) or len(given) > MOST_AT_ONCE:
        raise BadSecret(f"Secrets must be an object of at most {MOST_AT_ONCE} names.", field="secrets")
    for name, value in given.items():
        clean_name(name)
        _clean_value(name, value)
    return given


def clean_name(name: str) -> str:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise BadSecret(
            "A secret's name has capital letters, digits and underscores only, such as STRIPE_API_KEY.",
            field="secrets",
        )
    if name in RESERVED or name.startswith(RESERVED_BEGINNINGS):
        raise BadSecret(f"{name} is used by the sandbox itself. Give it another name.", field="secrets")
    return name


@sensitive_variables()
def _clean_value(name: str, value: Any) -> None:
    is_text = isinstance(value, str) and "\0" not in value and _is_unicode(value)
    if not is_text or not value or len(value) > LONGEST_VALUE:
        raise BadSecret(
            f"The value of {name} must be a text of 1 to {LONGEST_VALUE:,} characters.", field="secrets"
        )
    if len(telling_line(value)) < LEAST_VALUE:
        raise BadSecret(
            f"The value of {name} is too short to be kept secret: at least {LEAST_VALUE} characters. "
            "What is no secret can be written into the answer.",
            field="secrets",
        )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True


@sensitive_variables()
def need_kept_apart(secrets: Mapping[str, str], words: str) -> None:
    """Refuse a text for the agent that repeats a secret: such texts are stored unencrypted."""
    for name, value in secrets.items():
        if telling_line(value) in words:
            raise BadSecret(f"Your words repeat the value of {name}. Enter it in its own field only.")


def telling_line(value: str) -> str:
    """The longest line of a value: a text without it cannot hold the value."""
    return max((line.strip() for line in value.splitlines()), key=len, default="")


@sensitive_variables()
def keep(project_id: UUID, secrets: Mapping[str, str]) -> None:
    """Add or replace secrets that are `clean`."""
    for name, value in sorted(secrets.items()):
        ProjectSecret.objects.update_or_create(project_id=project_id, name=name, defaults={"value": value})
    if ProjectSecret.objects.filter(project=project_id).count() > MOST:
        raise BadSecret(f"A project has at most {MOST} secrets. Remove some first.", field="secrets")


def names_of(project_id: UUID) -> list[str]:
    return list(
        ProjectSecret.objects.filter(project=project_id).order_by("name").values_list("name", flat=True)
    )


def values_of(project_id: UUID) -> dict[str, str]:
    return {secret.name: secret.value for secret in ProjectSecret.objects.filter(project=project_id)}


def remove(project_id: UUID, name: str) -> bool:
    """Whether there was one of that name."""
    if not NAME.fullmatch(name):
        return False
    deleted, _ = ProjectSecret.objects.filter(project=project_id, name=name).delete()
    return bool(deleted)
