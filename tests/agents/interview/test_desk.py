"""What the founder does in an interview: each answer is kept, and kept once."""

from threading import Barrier, Thread

import pytest
from django.db import connection
from pytest_django import Settings

from agents.actions.start import start_build
from agents.interview import desk
from agents.interview.topics import Topic
from agents.interview.values import Draft, How, Promise, Question, Step
from agents.models import InterviewProgress, InterviewState, InterviewTrouble, Subscription
from cofounder.models import User
from jobs import briefs, promises
from jobs.errors import Conflict, PaymentNeeded, Unavailable
from jobs.models import Project
from tests.agents.interview.test_rules import OPTIONS

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "A shelf to lend tools"
DRAFT = Draft(
    name="Shelf", goal="Lend tools", promises=tuple(Promise(f"Promise {n}", "I look") for n in range(3))
)
LEVELS = dict.fromkeys(Topic, 1)


def take_step(progress: InterviewProgress, topic: Topic | None, **fields: object) -> InterviewProgress:
    """As a worker does when the model has answered."""
    progress.refresh_from_db()
    call = desk.talk_for(progress.pk, progress.version)
    assert call is not None
    question = Question(topic, f"About {topic}?", "Why", OPTIONS, **fields) if topic else None  # type: ignore[arg-type]
    assert desk.step_taken(call, Step("da", DRAFT, LEVELS, question=question), question)
    return InterviewProgress.objects.select_related("interview").get(pk=progress.pk)


@pytest.fixture
def progress(founder: User) -> InterviewProgress:
    return take_step(desk.begin(founder, TEXT), Topic.JOB)


@pytest.mark.parametrize("text", ["bakery app", "x" * 50_000, "En side på dansk and then in English"])
def test_short_long_and_mixed_sentences_are_taken_as_they_are(founder: User, text: str) -> None:
    begun = desk.begin(founder, text)

    assert begun.text == text
    assert begun.interview.project.name
    assert len(begun.interview.project.name) <= 60


@pytest.mark.parametrize("text", ["", "  \n", "x" * 50_001, "a\x07b", 7, None])
def test_what_is_no_sentence_is_refused_and_nothing_is_kept(founder: User, text: object) -> None:
    with pytest.raises(briefs.BadBrief):
        desk.begin(founder, text)
    assert not Project.objects.exists()


def test_switched_off_or_without_a_plan_nothing_begins(founder: User, settings: Settings) -> None:
    settings.AUTONOMOUS_AGENT = False
    with pytest.raises(Unavailable):
        desk.begin(founder, TEXT)
    settings.AUTONOMOUS_AGENT = True
    Subscription.objects.update(suspended=True)
    with pytest.raises(PaymentNeeded):
        desk.begin(founder, TEXT)
    assert not Project.objects.exists()


def test_the_same_sentence_twice_at_once_is_one_interview(founder: User) -> None:
    together = Barrier(2)

    def begin() -> None:
        together.wait()
        desk.begin(founder, TEXT)
        connection.close()

    threads = [Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert InterviewProgress.objects.count() == Project.objects.count() == 1


def test_the_same_answer_twice_is_one_and_another_one_is_told(progress: InterviewProgress) -> None:
    first = desk.answer(progress.pk, "q1", How.OPTION, "Yes")
    assert desk.answer(progress.pk, "q1", How.OPTION, "Yes").version == first.version
    with pytest.raises(desk.Elsewhere):
        desk.answer(progress.pk, "q1", How.OPTION, "No")
    first.interview.refresh_from_db()
    assert first.interview.answers == {"q1": "Yes"}


@pytest.mark.parametrize(
    ("how", "text"), [(How.OPTION, "Perhaps"), (How.OWN, " "), (How.OWN, "x" * 5_001), (How.OWN, "\x07")]
)
def test_an_answer_that_says_nothing_usable_is_refused(
    progress: InterviewProgress, how: How, text: str
) -> None:
    with pytest.raises(briefs.BadBrief):
        desk.answer(progress.pk, "q1", how, text)
    progress.refresh_from_db()
    assert progress.state == InterviewState.ASKING


def test_an_unknown_question_is_refused(progress: InterviewProgress) -> None:
    with pytest.raises(briefs.BadBrief):
        desk.answer(progress.pk, "q9", How.SKIP)


def test_what_is_typed_is_kept_until_it_is_sent(progress: InterviewProgress) -> None:
    desk.keep_typed(progress.pk, "q1", "half a sen")
    progress.refresh_from_db()
    assert progress.typed == {"q1": "half a sen"}

    sent = desk.answer(progress.pk, "q1", How.OWN, "half a sentence")
    assert sent.typed == {}
    desk.keep_typed(progress.pk, "q1", "too late")
    progress.refresh_from_db()
    assert progress.typed == {}


def test_a_changed_answer_asks_again_only_what_hangs_on_it(progress: InterviewProgress) -> None:
    desk.answer(progress.pk, "q1", How.OPTION, "Yes")
    take_step(progress, Topic.WHO, hangs_on=("q1",))
    desk.answer(progress.pk, "q2", How.OPTION, "Yes")
    take_step(progress, Topic.KEPT)

    desk.answer(progress.pk, "q1", How.OPTION, "No", is_change=True)

    progress.interview.refresh_from_db()
    states = {key: detail["state"] for key, detail in progress.interview.details.items()}
    assert states == {"q1": "answered", "q2": "withdrawn", "q3": "open"}
    assert progress.interview.answers == {"q1": "No"}
    with pytest.raises(Conflict):
        desk.answer(progress.pk, "q2", How.OPTION, "Yes")
    assert take_step(progress, Topic.SENT).state == InterviewState.ASKING
    progress.interview.refresh_from_db()
    assert list(progress.interview.details) == ["q1", "q2", "q3"]  # the open question stays the only one


def test_switched_off_on_the_way_keeps_the_answer(progress: InterviewProgress, settings: Settings) -> None:
    settings.AUTONOMOUS_AGENT = False
    after = desk.answer(progress.pk, "q1", How.OPTION, "Yes")

    assert (after.state, after.trouble) == (InterviewState.TROUBLE, InterviewTrouble.SWITCHED_OFF)
    assert after.interview.answers == {"q1": "Yes"}


def test_that_is_enough_takes_what_was_typed_along(progress: InterviewProgress) -> None:
    after = desk.enough(progress.pk, "only regulars")

    assert after.state == InterviewState.DONE
    assert after.interview.answers == {"q1": "only regulars"}
    assert after.interview.details["q1"]["how_answered"] == "own"


def test_before_the_first_brief_there_is_nothing_to_approve(founder: User) -> None:
    begun = desk.begin(founder, TEXT)
    with pytest.raises(Conflict):
        desk.enough(begun.pk)
    with pytest.raises(Conflict):
        desk.approve(begun.pk)


def test_approving_makes_the_brief_with_its_promises_once(progress: InterviewProgress) -> None:
    desk.answer(progress.pk, "q1", How.DECIDE)
    project = desk.approve(progress.pk)
    desk.approve(progress.pk)

    brief = briefs.latest_brief(project)
    assert brief is not None
    assert (project.name, brief.version, brief.current_content["language"]) == ("Shelf", 1, "da")
    kept = promises.of_version(project.pk, 1)
    assert [(promise.key, promise.how_checked) for promise in kept] == [
        ("P1", "I look"),
        ("P2", "I look"),
        ("P3", "I look"),
    ]
    progress.interview.refresh_from_db()
    assert progress.interview.state == "done"
    assert [each["state"] for each in progress.interview.assumptions] == ["assumed"]
    assert briefs.latest_interview(project) == [{"question": "About job?", "answer": "Yes"}]


def test_an_answer_after_the_build_began_is_refused(progress: InterviewProgress) -> None:
    start_build(desk.approve(progress.pk))

    with pytest.raises(Conflict, match="over"):
        desk.answer(progress.pk, "q1", How.OPTION, "Yes")


def test_the_written_form_makes_the_brief_of_the_same_project(progress: InterviewProgress) -> None:
    given = {"name": "Mine", "goal": "G", "idea_brief": {"must_have": ["a list"]}, "interview": []}
    project = desk.close_written(progress.pk, **given)  # type: ignore[arg-type]  # as a form gives it

    assert project.pk == progress.interview.project_id
    assert desk.close_written(progress.pk, **given) == project  # type: ignore[arg-type]  # as above
    assert [promise.text for promise in promises.of_version(project.pk, 1)] == ["a list"]
