"""What all our commands have in common, and what the deploy files say."""

import re
import shlex
from pathlib import Path

import pytest
from django.core import management
from django.core.management import get_commands, load_command_class
from django.db import OperationalError, ProgrammingError

import manage

REPOSITORY = Path(__file__).resolve().parent.parent
OURS = sorted(
    name for name, app in get_commands().items() if app in {"cofounder", "jobs", "escalations", "agents"}
)
STAY = {"up", "run_worker", "build"}  # these run until they are stopped, or print a feed
UNITS = REPOSITORY / "deploy" / "systemd"


def options_of(name: str) -> set[str]:
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    return {option for action in parser._actions for option in action.option_strings}


def test_the_reference_names_every_command_and_the_design_s_are_there() -> None:
    reference = (REPOSITORY / "docs" / "reference.md").read_text()

    assert [name for name in OURS if f"`manage.py {name}" not in reference] == []
    assert {"up", "run_worker", "build", "doctor", "drill", "prune", "reconcile_spend"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_each_command_says_what_it_does_and_answers_programs(name: str) -> None:
    command = load_command_class(get_commands()[name], name)

    assert command.help
    assert name in STAY or "--json" in options_of(name)


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        (OperationalError("connection refused"), "The database does not answer: connection refused"),
        (ProgrammingError('relation "jobs_job" does not exist'), "run `manage.py migrate`"),
    ],
    ids=["away", "not migrated"],
)
def test_a_database_that_cannot_be_used_is_one_sentence(
    problem: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(arguments: list[str]) -> None:
        raise problem

    monkeypatch.setattr(management, "execute_from_command_line", refuse)

    with pytest.raises(SystemExit, match=re.escape(sentence)) as ended:
        manage.main()

    assert str(ended.value).startswith("cofounder: ")


def procfile() -> dict[str, list[str]]:
    lines = (REPOSITORY / "Procfile").read_text().splitlines()
    return {name: shlex.split(command) for name, command in (line.split(": ", 1) for line in lines)}


def unit(name: str) -> list[str]:
    text = (UNITS / name).read_text()
    started = re.search(r"^ExecStart=/srv/cofounder/.venv/bin/(.+)$", text, re.MULTILINE)
    assert started is not None
    return shlex.split(started[1])


def test_the_units_run_what_the_procfile_runs() -> None:
    wanted = procfile()

    assert unit("cofounder-migrate.service") == wanted["release"]
    assert unit("cofounder-worker@.service")[:3] == wanted["worker"]
    web = unit("cofounder-web@.service")
    assert (web[0], web[-1]) == (wanted["web"][0], wanted["web"][-1])


def test_the_container_file_runs_what_the_procfile_runs() -> None:
    text = (REPOSITORY / "deploy" / "Containerfile").read_text()
    lines = (REPOSITORY / "Procfile").read_text().splitlines()

    for line in lines:
        assert line.split(": ", 1)[1] in text


def test_every_variable_of_the_sample_environment_is_documented() -> None:
    reference = (REPOSITORY / "docs" / "reference.md").read_text()
    sample = (REPOSITORY / "deploy" / "cofounder.env").read_text()
    names = re.findall(r"^([A-Z0-9_]+)=", sample, re.MULTILINE)

    assert [name for name in names if f"`{name}`" not in reference and not name.startswith("AWS_")] == []


def test_a_worker_s_unit_waits_longer_than_the_worker_does() -> None:
    from agents.worker.process import STOP_SECONDS

    text = (UNITS / "cofounder-worker@.service").read_text()

    limit = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert limit is not None
    assert int(limit[1]) > STOP_SECONDS + 10
