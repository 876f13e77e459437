"""The plays build what they promise: run in a folder, their tests pass and every promise is kept."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rehearsal.founder import FounderInput
from rehearsal.play import Library, Play
from rehearsal.play_file import load_library
from rehearsal.state import Note
from tests.rehearsal.sandboxless import Workshop, play_through

REHEARSAL = Path(__file__).parents[2] / "rehearsal"
BRIEF = json.loads((REHEARSAL / "briefs" / "borrow-shelf.json").read_text())
DEMO = BRIEF["name"]
ALLOWANCE = 2.0
ANY = "Something Nobody Foresaw"
PROMISES = {
    DEMO: BRIEF["idea_brief"]["must_have"],
    "Fixed Together": [
        "request form with a photo link, item, fault and slot",
        "no more than four requests per slot",
        "volunteer list by skill with one-tap status",
        "a public page with how many things were saved from the bin",
    ],
    "Slow Bread waiting list": [
        "sign-up page that works on any phone",
        "a limit per day",
        "my list for tomorrow, printable",
        "cancel link",
    ],
    ANY: [
        "a list of singers with name, voice and phone number",
        "filter by voice",
        "show how many singers there are",
        "mark a singer as present or absent",
        "how many singers are absent",
    ],
}
NOT_UNDERSTOOD = [
    "a singer who says no twice in a row is shown in red",
    'a list with "quotes" and <b>markup</b>',
    "Öffnungszeiten — for everybody 🌱",
    "it's $5 & {{ not }} {% a %} template \\ at all",
]
BARE_PROGRAMS = "bash cat grep ls rm sed seq sleep tail"
ASKED = ("main/borrowing", "main/question")  # the steps right after the question, or with it
SLEEPING = [Note("wind_down", "The day's budget is nearly spent.")]
WAKING = [Note("wake", "A new day. Go on.")]

NotesAfter = Callable[[int, str], Sequence[Note]]


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library(REHEARSAL / "plays")


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    workshop = Workshop(tmp_path / "app")
    yield workshop
    workshop.close()


@pytest.fixture(scope="module")
def built(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Path], None]:
    """`built(project, folder)`: what the play of the project makes, played once and copied from then on."""
    shelf: dict[str, Path] = {}

    def copy(project: str, folder: Path) -> None:
        if project not in shelf:
            shelf[project] = tmp_path_factory.mktemp("built") / "app"
            with_tools = Workshop(shelf[project])
            try:
                play_through(library.for_project(project), founder(project), with_tools, answering())
            finally:
                with_tools.close()
        shutil.copytree(shelf[project], folder, dirs_exist_ok=True)

    return copy


def founder(project: str, must_have: object = None) -> FounderInput:
    wanted = must_have
    if must_have is None:
        wanted = PROMISES[project] + (NOT_UNDERSTOOD if project == ANY else [])
    return FounderInput(project, "A first version for next week", {"must_have": wanted})


def answering(decision: str = "simpler_version", guidance: str = "") -> NotesAfter:
    """The founder answers while the agent continues."""
    text = json.dumps({"problem": "…", "decision": decision, "guidance": guidance})
    return lambda turn, step: [Note("answer", text)] if step in ASKED else []


def start(workshop: Workshop) -> str:
    """Start the app as declared; returns its first page."""
    declaration = json.loads((workshop.folder / "cofounder.json").read_text())
    assert (declaration["start"], declaration["port"]) == ("python3 app.py", 8000)
    workshop.start(declaration["start"].split())
    return workshop.wait_for_page()


def checks(workshop: Workshop) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((workshop.folder / "cofounder.json").read_text())["checks"]
    return found


def broken(workshop: Workshop) -> dict[str, str]:
    """The output of the declared checks that fail, by promise."""
    said = {}
    for check in checks(workshop):
        done = subprocess.run(
            ["bash", "-c", check["run"]],
            cwd=workshop.folder,
            env=workshop.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            said[check["promise"]] = done.stdout + done.stderr
    return said


def thinking_dollars(play: Play) -> list[float]:
    """A thinking token of claude-sonnet-5-5 is paid as output, and again when it is written to the cache."""
    return [step.thinking_tokens * (10 + 2.5) / 1_000_000 for step in play.main.steps]


def test_each_project_gets_its_play(library: Library) -> None:
    names = {project: library.for_project(project).name for project in PROMISES}
    assert list(names.values()) == ["borrow-shelf", "fixed-together", "slow-bread", "generic"]


def test_the_demo_spends_its_day_a_little_past_the_middle(library: Library) -> None:
    spent = thinking_dollars(library.for_project(DEMO))
    turns = [step.id for step in library.for_project(DEMO).main.steps].index("bye") + 1
    everything_else = 0.35
    assert sum(spent[: round(turns * 0.55)]) + everything_else < 0.9 * ALLOWANCE
    assert sum(spent[: round(turns * 0.65)]) + everything_else > 0.9 * ALLOWANCE
    assert sum(spent[round(turns * 0.65) :]) < 0.25 * ALLOWANCE


@pytest.mark.parametrize("project", [each for each in PROMISES if each != DEMO])
def test_the_other_plays_cost_far_less_than_a_day(project: str, library: Library) -> None:
    assert sum(thinking_dollars(library.for_project(project))) < 0.5


def test_the_demo_asks_before_it_falls_asleep_and_has_used_every_tool(library: Library) -> None:
    steps = library.for_project(DEMO).main.steps
    asked = next(n for n, step in enumerate(steps) if any(call.tool == "ask_founder" for call in step.calls))
    assert asked < 12
    assert {call.tool for step in steps for call in step.calls} == {
        *("read_file", "write_file", "edit_file", "bash", "grep", "glob"),
        *("take_screenshot", "narrate", "document", "plan", "ask_founder"),
    }


def test_every_planned_phase_begins_and_every_section_is_written(library: Library) -> None:
    for play in library.plays:
        calls = [call for step in play.main.steps for call in step.calls]
        planned = [phase["name"] for call in calls if call.tool == "plan" for phase in call.input["phases"]]
        begun = [call.input["phase_name"] for call in calls if "phase_name" in call.input]
        sections = {call.input["section"] for call in calls if call.tool == "document"}
        assert begun == planned
        assert sections == {"overview", "features", "getting_started", "faq"}


@pytest.mark.services
@pytest.mark.parametrize("project", PROMISES)
def test_every_promise_has_a_check_and_every_check_passes_twice(
    project: str, built: Callable[[str, Path], None], workshop: Workshop
) -> None:
    built(project, workshop.folder)
    start(workshop)
    assert [check["promise"] for check in checks(workshop)] == PROMISES[project]
    assert broken(workshop) == {}
    assert broken(workshop) == {}
    tests = workshop.act("bash", {"command": "python3 -W error -m unittest 2>&1"})
    assert "\nOK\n" in tests.text


class EmptyPage(BaseHTTPRequestHandler):
    """Answers every address with 200 and an empty page."""

    def do_GET(self) -> None:
        if length := int(self.headers.get("Content-Length") or 0):
            self.rfile.read(length)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def empty_app() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.services
@pytest.mark.parametrize("project", PROMISES)
def test_no_check_passes_where_every_address_gives_an_empty_page(
    project: str, built: Callable[[str, Path], None], workshop: Workshop, empty_app: int
) -> None:
    built(project, workshop.folder)
    workshop.port = empty_app
    assert list(broken(workshop)) == PROMISES[project]


@pytest.mark.services
@pytest.mark.parametrize(
    ("project", "path", "before", "after", "promise"),
    [
        (DEMO, "shelf.py", "create unique index", "create index", 2),
        (DEMO, "keeper.py", "if not gate.is_open(request):\n        return", "if False:\n        return", 3),
        ("Fixed Together", "repairs.py", "if taken >= config.PLACES", "if False", 1),
        ("Fixed Together", "volunteers.py", "repairs.mark(request_id, status)", "pass", 2),
        ("Slow Bread waiting list", "bread.py", "if loaves > left", "if False", 1),
        ("Slow Bread waiting list", "bread.py", "if own + loaves > config.PER_PERSON", "if False", 3),
        (ANY, "web.py", "Safe(html.escape(str(value)))", "Safe(str(value))", 0),
        (ANY, "records.py", "== value for name", "!= value for name", 1),
        (ANY, "app.py", "number=len(everything),", "number=0,", 2),
        (ANY, "records.py", "set state = ? where id = ?", "set state = ?1 where ?2", 3),
        (ANY, "app.py", "states.count(state)", "len(states)", 4),
    ],
)
def test_a_broken_promise_is_noticed(
    project: str,
    path: str,
    before: str,
    after: str,
    promise: int,
    built: Callable[[str, Path], None],
    workshop: Workshop,
) -> None:
    built(project, workshop.folder)
    if path == "shelf.py":
        shutil.rmtree(workshop.folder / "data")
        edit(workshop, "borrowing.py", "if current_loan(tool_id):", "if False:")
    edit(workshop, path, before, after)
    start(workshop)
    said = broken(workshop)
    assert PROMISES[project][promise] in said
    assert "Broken: " in said[PROMISES[project][promise]]


def edit(workshop: Workshop, path: str, before: str, after: str) -> None:
    changed = workshop.act("edit_file", {"path": path, "old_string": before, "new_string": after})
    assert not changed.error


@pytest.mark.services
@pytest.mark.parametrize(
    ("decision", "guidance", "on_the_form"),
    [
        ("simpler_version", "", 'name="phone"'),
        ("skip_feature", "", "pick-up word"),
        ("provide_guidance", 'Ring "twice",\nplease 🔔', "Ring &quot;twice&quot;,"),
    ],
)
def test_each_answer_changes_the_app(
    decision: str, guidance: str, on_the_form: str, library: Library, workshop: Workshop
) -> None:
    play_through(library.for_project(DEMO), founder(DEMO), workshop, answering(decision, guidance))
    start(workshop)
    workshop.url_path = "/tools/2"
    assert on_the_form in workshop.wait_for_page()
    assert broken(workshop) == {}


@pytest.mark.services
def test_the_demo_meets_a_real_bug_and_mends_it(library: Library, workshop: Workshop) -> None:
    play_through(library.for_project(DEMO), founder(DEMO), workshop, answering())
    runs = [result for result in workshop.results if "unittest" in result.text or "Ran " in result.text]
    assert "FAIL: test_a_late_tool_is_still_out" in runs[0].text
    assert [run.error for run in runs] == [True, False, False, False]


@pytest.mark.services
def test_the_demo_sleeps_wherever_its_day_ends_and_goes_on_there(
    library: Library, workshop: Workshop
) -> None:
    def notes(turn: int, step: str) -> Sequence[Note]:
        if step == "main/list":
            return SLEEPING
        return WAKING if step.endswith("/good-night") else answering()(turn, step)

    steps = play_through(library.for_project(DEMO), founder(DEMO), workshop, notes)
    night = steps.index("main/list")
    assert [step.partition("/")[2] for step in steps[night + 1 : night + 5]] == [
        "save-for-tonight",
        "good-night",
        "good-morning",
        "test-list",
    ]
    assert steps[-1] == "main/bye"


@pytest.mark.services
@pytest.mark.parametrize(
    ("step", "notes"),
    [("main/list", [*SLEEPING, *WAKING]), ("note:0/save-for-tonight", WAKING)],
    ids=["before it was told", "before it was heeded"],
)
def test_a_night_that_comes_before_the_wind_down_does_not_end_the_next_day(
    step: str, notes: Sequence[Note], library: Library, workshop: Workshop
) -> None:
    def night(turn: int, played: str) -> Sequence[Note]:
        if played == step:
            return notes
        return SLEEPING if played == "main/list" else answering()(turn, played)

    steps = play_through(library.for_project(DEMO), founder(DEMO), workshop, night)
    assert "note:0/good-night" not in steps
    assert steps[steps.index(step) + 1] == "note:1/good-morning"
    assert steps[-1] == "main/bye"


@pytest.mark.services
def test_the_demo_waits_for_an_answer_that_comes_last(library: Library, workshop: Workshop) -> None:
    def notes(turn: int, step: str) -> Sequence[Note]:
        return answering()(turn, "main/borrowing") if step == "main/wait-for-marta" else []

    steps = play_through(library.for_project(DEMO), founder(DEMO), workshop, notes)
    assert steps[-1] == "main/bye"
    assert 'BORROWER = "name_and_phone"' in (workshop.folder / "config.py").read_text()


@pytest.mark.services
@pytest.mark.parametrize("project", [DEMO, ANY])
def test_a_machine_without_git_and_chromium_is_enough(
    project: str, library: Library, workshop: Workshop, tmp_path: Path
) -> None:
    workshop.can_picture = False
    workshop.programs = bare_programs(tmp_path / "bin")
    play_through(library.for_project(project), founder(project), workshop, answering())
    assert not (workshop.folder / ".git").exists()
    assert [result.tool for result in workshop.results if result.error and result.tool == "bash"] == (
        ["bash"] if project == DEMO else []
    )
    start(workshop)
    assert broken(workshop) == {}


def bare_programs(folder: Path) -> Path:
    folder.mkdir()
    for name in BARE_PROGRAMS.split():
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.mark.services
@pytest.mark.parametrize("must_have", [[], None, "one sentence"])
def test_a_brief_without_a_list_of_promises_still_gets_a_page(
    must_have: list[Any] | str | None, library: Library, workshop: Workshop
) -> None:
    brief = {} if must_have is None else {"must_have": must_have}
    play_through(library.for_project(ANY), FounderInput("<Odd> & Sons", "", brief), workshop)
    page = start(workshop)
    assert "&lt;Odd&gt; &amp; Sons" in page
    assert checks(workshop) == []
    assert ("one sentence" in page) is (must_have == "one sentence")
    assert broken(workshop) == {}
