"""What the documents say, compared with what the code does."""

import re
from pathlib import Path

import pytest

from agents.failures import trouble
from cofounder.install import demo
from jobs.models import EventType

REPOSITORY = Path(__file__).resolve().parent.parent
REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text()
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]
READS = (
    r'(?:boolean|number|text|url|words|key|_read|is_embedded|environ\.get|env\.get)\(\s*"([A-Z][A-Z0-9_]+)"'
)
READERS = (
    "settings.py",
    "config/environment.py",
    "config/local_sockets.py",
    "install/supervisor.py",
    "install/embedded.py",
)
NOT_OURS = {"XDG_RUNTIME_DIR"}
TEMPLATES = sorted(
    path
    for folder in ("cofounder", "agents", "escalations", "jobs")
    for path in (REPOSITORY / folder).glob("templates/**/*.*")
)
TEMPLATE_LINE_LIMIT = 160  # columns; a change of one sentence should show as a change of one short line


def section(title: str) -> str:
    return REFERENCE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


def variables_read() -> set[str]:
    sources = [(REPOSITORY / "cofounder" / name).read_text() for name in READERS]
    limits = (REPOSITORY / "rehearsal" / "e2b_api" / "limits.py").read_text()
    of_the_sandbox = re.findall(r'"(LOCAL_SANDBOX_[A-Z_]+)"', limits)
    return {*of_the_sandbox, *(name for source in sources for name in re.findall(READS, source))} - NOT_OURS


def test_every_variable_that_is_read_is_documented_and_the_other_way_round() -> None:
    assert set(first_cells("Environment")) == variables_read()


def test_every_event_is_documented_and_the_other_way_round() -> None:
    assert first_cells("Events") == list(EventType)


def test_the_table_of_trouble_is_printed_as_it_is() -> None:
    assert re.findall(r"^\| `.*$", section("Trouble"), re.MULTILINE) == trouble.as_markdown()


def test_each_event_type_has_its_template() -> None:
    templates = REPOSITORY / "cofounder" / "templates" / "feed"

    assert [kind for kind in EventType if not (templates / f"{kind}.html").exists()] == []


def test_the_demos_day_is_as_long_as_it_is_told() -> None:
    text = (REPOSITORY / "docs" / "explanation.md").read_text()

    assert demo.DAY_SECONDS == 4 * 60
    assert "a day lasts four minutes" in text


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_that_are_named_exist(document: Path) -> None:
    folders = "agents|bench|cofounder|docs|escalations|jobs|rehearsal|tests"
    paths = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text())

    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_no_line_of_a_template_is_too_long_to_read() -> None:
    assert TEMPLATES
    long = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > TEMPLATE_LINE_LIMIT
    ]
    assert not long
