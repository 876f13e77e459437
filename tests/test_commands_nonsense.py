"""Commands refuse invalid input with a sentence, and change nothing. `make fuzz` sends much more of it."""

import os
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cofounder.models import User
from jobs.models import Job

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
OURS = {"agents", "escalations", "jobs", "cofounder"}
SERVE = {
    "up",
    "build",
    "run_worker",
    "doctor",
    "drill",
}  # these start or need whole services; tested on their own
COMMANDS = sorted(name for name, app in get_commands().items() if app in OURS and name not in SERVE)
OPTIONS = [
    "--all",
    "--json",
    "--reason",
    "--dry-run",
    "--guidance",
    "--days",
    "--decision",
    "--",
    "-x",
    "--nonsense",
]
WATCHED = ["agents_budgetchange", "agents_agentsession", "jobs_job", "jobs_jobevent", "procrastinate_jobs"]

# What a shell can pass on: no NUL, and bytes that are not UTF-8 as surrogate escapes.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=[]), max_size=20)
numbers = st.sampled_from(["0", "-1", "1e400", "nan", "inf", "1.123456789", "9" * 30, "٣", "0x10"])
arguments = st.lists(st.one_of(words, numbers, st.sampled_from(OPTIONS), st.uuids().map(str)), max_size=4)


def rows() -> list[int]:
    with connection.cursor() as cursor:
        counts = []
        for table in WATCHED:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts.append(cursor.fetchone()[0])
    return counts


def outcome(name: str, given_words: list[str]) -> Any:
    """The exit code; refusing without a sentence is a failure."""
    try:
        with transaction.atomic():
            call_command(name, *given_words, stdout=StringIO(), stderr=StringIO(), no_color=True)
    except CommandError as error:
        return 1 if str(error).strip() else "a refusal without a sentence"
    except SystemExit as end:
        return end.code or 0
    return 0


@pytest.mark.parametrize("name", COMMANDS)
def test_nonsense_is_refused_with_a_sentence_and_changes_nothing(
    founder: User, build: Job, name: str
) -> None:
    before = rows()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES < 100,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments)
    def run(given_words: list[str]) -> None:
        if set(given_words) & {"--all", "--help", "-h", "--version"}:
            return  # these mean something
        assert outcome(name, given_words) in (0, 1, 2)
        assert rows() == before

    run()
