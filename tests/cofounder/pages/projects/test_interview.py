"""The interview's pages: a question at a time, the brief beside it, and nothing lost whatever happens."""

import pytest
from django.test import Client
from pytest_django import Settings

from agents.interview import desk
from agents.interview.topics import Topic
from agents.models import InterviewProgress, InterviewState, InterviewTrouble
from cofounder.models import User
from jobs import briefs
from jobs.models import Project
from tests.agents.interview.test_desk import TEXT, take_step

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def progress(founder: User) -> InterviewProgress:
    return take_step(desk.begin(founder, TEXT), Topic.JOB)


def address(progress: InterviewProgress, verb: str = "") -> str:
    return f"/interviews/{progress.pk}{verb}"


def test_the_box_leads_to_the_questions(browser: Client) -> None:
    assert "What should it do, and for whom?" in browser.get("/projects/new").text
    answer = browser.post("/interviews", {"text": TEXT})

    progress = InterviewProgress.objects.get()
    assert answer.headers["Location"] == address(progress)
    assert "Reading what you wrote" in browser.get(address(progress)).text


def test_who_rather_writes_finds_the_sentence_in_the_form(browser: Client) -> None:
    page = browser.post("/interviews", {"text": TEXT, "write": "1"})

    assert page.context["form"].initial == {"problem": TEXT, "goal": TEXT}
    assert not Project.objects.exists()


def test_an_empty_box_is_said_to_be_empty(browser: Client) -> None:
    answer = browser.post("/interviews", {"text": " "})

    assert answer.status_code == 400
    assert "Say in a sentence" in answer.text


def test_switched_off_the_written_form_holds_the_sentence(browser: Client, settings: Settings) -> None:
    settings.AUTONOMOUS_AGENT = False
    page = browser.post("/interviews", {"text": TEXT})

    assert "switched off" in page.text
    assert TEXT in page.text


def test_a_question_shows_its_choices_and_the_brief(browser: Client, progress: InterviewProgress) -> None:
    page = browser.get(address(progress)).text

    for words in ("About job?", "It is usual.", "You decide", "Skip", "That is enough", "Something else…"):
        assert words in page
    assert "Promise 0" in page


def test_an_answer_without_scripts_leads_back_to_the_page(
    browser: Client, progress: InterviewProgress
) -> None:
    answer = browser.post(address(progress, "/answer"), {"question": "q1", "choice": "Yes"})

    assert answer.headers["Location"] == address(progress)
    progress.refresh_from_db()
    assert progress.state == InterviewState.THINKING


@pytest.mark.parametrize(
    ("given", "how", "kept"),
    [
        ({"choice": "No"}, "option", {"q1": "No"}),
        ({"how": "own", "own": "Only regulars"}, "own", {"q1": "Only regulars"}),
        ({"how": "decide", "own": "not this"}, "decide", {"q1": "Yes"}),
        ({"how": "skip"}, "skip", {}),
    ],
)
def test_each_way_to_answer_is_kept(
    browser: Client, progress: InterviewProgress, given: dict[str, str], how: str, kept: dict[str, str]
) -> None:
    part = browser.post(address(progress, "/answer"), {"question": "q1", **given}, headers=HTMX)

    assert part.status_code == 200
    assert "<html" not in part.text
    progress.interview.refresh_from_db()
    assert progress.interview.answers == kept
    assert progress.interview.details["q1"]["how_answered"] == how


def test_the_later_of_two_tabs_sees_the_others_answer(browser: Client, progress: InterviewProgress) -> None:
    browser.post(address(progress, "/answer"), {"question": "q1", "choice": "Yes"})
    later = browser.post(address(progress, "/answer"), {"question": "q1", "choice": "No"}, headers=HTMX)

    assert "answered in another window" in later.text
    progress.interview.refresh_from_db()
    assert progress.interview.answers == {"q1": "Yes"}


def test_what_is_typed_is_there_when_the_page_is_opened_again(
    browser: Client, progress: InterviewProgress
) -> None:
    given = {"question": "q1", "own": "half a sentence"}
    assert browser.post(address(progress, "/typed"), given).status_code == 204

    assert "half a sentence</textarea>" in browser.get(address(progress)).text
    assert browser.post(address(progress, "/typed"), {**given, "own": "x" * 5_001}).status_code == 400


@pytest.mark.parametrize("trouble", InterviewTrouble.values)
def test_trouble_is_said_plainly_with_two_ways_on(
    browser: Client, progress: InterviewProgress, trouble: str
) -> None:
    InterviewProgress.objects.update(state=InterviewState.TROUBLE, trouble=trouble)
    page = browser.get(address(progress)).text

    assert "Nothing you said is lost" in page
    assert "Write it myself" in page
    part = browser.post(address(progress, "/retry"), headers=HTMX).text
    assert "Reading what you wrote" in part


def test_the_written_form_holds_everything_said_so_far(browser: Client, progress: InterviewProgress) -> None:
    desk.keep_typed(progress.pk, "q1", "half a sentence")
    page = browser.get(address(progress, "/write"))
    for words in ("Promise 1", "Lend tools", "About job?", "half a sentence"):
        assert words in page.text

    form = page.context["form"]
    given = {name: form.initial.get(name, "") for name in form.fields}
    sent = browser.post("/projects/new", {**given, "interview_id": progress.pk, "form_id": "f1"})
    assert sent.headers["Location"].startswith("/builds/")
    assert Project.objects.count() == 1
    progress.refresh_from_db()
    assert progress.state == InterviewState.APPROVED


def test_that_is_enough_ends_on_the_brief(browser: Client, progress: InterviewProgress) -> None:
    target = f"/projects/{progress.interview.project_id}/brief"
    first = browser.post(address(progress, "/enough"), {"own": "only regulars"}, headers=HTMX)

    assert first.headers["HX-Redirect"] == target
    assert browser.post(address(progress, "/enough")).headers["Location"] == target
    assert browser.get(address(progress)).headers["Location"] == target
    assert browser.get(address(progress), headers=HTMX).headers["HX-Redirect"] == target
    assert briefs.latest_interview(Project.objects.get()) == [
        {"question": "About job?", "answer": "only regulars"}
    ]


def test_an_unfinished_interview_is_found_again(browser: Client, progress: InterviewProgress) -> None:
    assert address(progress) in browser.get("/projects/new").text
    assert "Go on with the questions" in browser.get("/projects").text


def test_the_founders_words_keep_their_direction_and_cannot_be_markup(
    browser: Client, progress: InterviewProgress
) -> None:
    InterviewProgress.objects.update(draft={**progress.draft, "goal": "<b>هدف</b>"})
    page = browser.get(address(progress)).text

    assert "&lt;b&gt;هدف&lt;/b&gt;" in page
    assert page.count('dir="auto"') > 5


def test_somebody_elses_interview_is_not_found(
    client: Client, other_founder: User, progress: InterviewProgress
) -> None:
    client.force_login(other_founder)
    assert client.get(address(progress)).status_code == 404
    assert client.get(address(progress, "/write")).status_code == 404
    for verb in ("/answer", "/enough", "/retry", "/typed"):
        assert client.post(address(progress, verb)).status_code == 404
