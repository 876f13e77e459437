"""One table: what follows from each kind of trouble outside of a build, and what its founder reads.

Nothing here ends a build. Only the founder does that, by cancelling it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from agents.errors import Trouble


class Course(StrEnum):
    """What the build does once nothing more can be tried at once."""

    REST = "rest"  # sleeps, and goes on by itself in growing intervals
    ASK = "ask"  # asks the founder
    PAUSE = "pause"  # until a person resumes it


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
GROWING = (10 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR)
FOR_THE_OPERATOR = (10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR)


@dataclass(frozen=True)
class Row:
    """`first` is what is tried at once; `rests` are the sleeps before further tries, the last for all later.

    `operator` says what the operator has to mend; where it is empty, nobody is alarmed.
    """

    first: str
    course: Course
    sentence: str = ""  # the founder's; an empty one stands in the question or the error itself
    rests: tuple[timedelta, ...] = GROWING
    operator: str = ""

    def rest_after(self, earlier: int) -> timedelta:
        """How long to sleep after this many rests for the same trouble, with no step in between."""
        return self.rests[min(earlier, len(self.rests) - 1)]


_OPERATOR_HELPS = (
    "I am paused: my access to the model does not work at the moment. "
    "The operator of this installation has been told. Nothing is lost, and I go on by myself once it works."
)
_SANDBOX = (
    "I am paused: my access to the sandbox does not work at the moment. "
    "The operator of this installation has been told. Nothing is lost, and I go on by myself once it works."
)
_TRIES = "several attempts, for ten minutes"

TABLE: Mapping[Trouble, Row] = {
    Trouble.MODEL_AWAY: Row(
        _TRIES,
        Course.REST,
        "The model's provider does not answer. I try again by myself, and nothing is lost.",
    ),
    Trouble.MODEL_KEY: Row(
        "nothing",
        Course.REST,
        _OPERATOR_HELPS,
        FOR_THE_OPERATOR,
        "The model's provider refuses the key. Set ANTHROPIC_API_KEY to a valid one.",
    ),
    Trouble.MODEL_PERMISSION: Row(
        "nothing",
        Course.REST,
        _OPERATOR_HELPS,
        FOR_THE_OPERATOR,
        "The key may not use the model. Give it the permission in the provider's console.",
    ),
    Trouble.MODEL_CREDIT: Row(
        "nothing",
        Course.REST,
        _OPERATOR_HELPS,
        FOR_THE_OPERATOR,
        "The credit with the model's provider is used up, or its bill is not paid.",
    ),
    Trouble.MODEL_SPEND_LIMIT: Row(
        "nothing",
        Course.REST,
        _OPERATOR_HELPS,
        FOR_THE_OPERATOR,
        "A spend limit at the model's provider is reached. Raise it in the provider's console.",
    ),
    Trouble.MODEL_UNKNOWN: Row(
        "nothing",
        Course.REST,
        _OPERATOR_HELPS,
        FOR_THE_OPERATOR,
        "The provider does not know the model. Check the plan's model, and ANTHROPIC_BASE_URL.",
    ),
    Trouble.MODEL_RETIRED: Row(
        "nothing",
        Course.REST,
        "I am paused: my model is not offered any more. The operator of this installation has been told, and "
        "can choose another. Nothing is lost.",
        FOR_THE_OPERATOR,
        "The provider has retired the model. Choose another for the plan, then start the build again.",
    ),
    Trouble.MODEL_NO_PRICE: Row(
        "nothing",
        Course.REST,
        "I am paused: no price is configured for my model. The operator of this installation can add it; "
        "then I go on by myself.",
        FOR_THE_OPERATOR,
        "There is no price for the model. Add it to MODEL_PRICES.",
    ),
    Trouble.MODEL_REQUEST: Row(
        "nothing",
        Course.REST,
        "I am paused: the model's provider does not accept what I send. "
        "The operator of this installation has been told. Nothing is lost, and I try again by myself.",
        FOR_THE_OPERATOR,
        "The model's provider refuses the request itself. Please report what it said.",
    ),
    Trouble.MODEL_FULL: Row(
        "a summary, one without the pictures, then a fresh start",
        Course.REST,
        "I am paused: what I have to keep in mind is too much for my model. "
        "The operator of this installation has been told. Nothing is lost, and I try again by myself.",
        FOR_THE_OPERATOR,
        "Requests are too long for the model even after a fresh start. Choose a model with a larger context.",
    ),
    Trouble.MODEL_DECLINES: Row("asked once more, in other words", Course.ASK),
    Trouble.MODEL_CUT: Row("smaller steps; after two cuts a longer answer", Course.ASK),
    Trouble.MODEL_SILENT: Row("two reminders, then the checks decide", Course.ASK),
    Trouble.SANDBOX_AWAY: Row(
        "three more attempts, in a new sandbox if need be",
        Course.REST,
        "The sandbox's provider does not answer. I try again by myself, and nothing is lost.",
    ),
    Trouble.SANDBOX_LIMIT: Row(
        "three more attempts",
        Course.REST,
        "No sandbox is free for me at the moment. The operator of this installation has been told. "
        "Nothing is lost, and I go on by myself as soon as there is one.",
        GROWING,
        "The sandbox's provider gives no more sandboxes at once. "
        "Raise its limit, or lower WORKER_CONCURRENCY.",
    ),
    Trouble.SANDBOX_KEY: Row(
        "nothing",
        Course.REST,
        _SANDBOX,
        FOR_THE_OPERATOR,
        "The sandbox's provider refuses the key. Set E2B_API_KEY to a valid one.",
    ),
    Trouble.SANDBOX_PERMISSION: Row(
        "nothing",
        Course.REST,
        _SANDBOX,
        FOR_THE_OPERATOR,
        "The sandbox's provider does not allow this. Look at the bill and the plan in its console.",
    ),
    Trouble.SANDBOX_REQUEST: Row(
        "nothing",
        Course.REST,
        _SANDBOX,
        FOR_THE_OPERATOR,
        "The sandbox's provider refuses the request itself. Check E2B_TEMPLATE, and SANDBOX_LIFETIME_SECONDS "
        "against what the plan allows.",
    ),
    Trouble.SANDBOX_UNSAFE: Row(
        "nothing",
        Course.REST,
        "I do not build here as long as commands cannot be confined on this machine. "
        "The operator of this installation has been told. "
        "Nothing is lost, and I go on by myself once it works.",
        FOR_THE_OPERATOR,
        "Commands cannot be confined on this machine. `manage.py doctor` names the fix.",
    ),
    Trouble.SANDBOX_FAULT: Row(
        "three more attempts, in a new sandbox if need be",
        Course.REST,
        "The sandbox does not do what it should. I try again by myself, and nothing is lost.",
        GROWING,
        "A sandbox refuses what it is asked. Look at what it said.",
    ),
    Trouble.STORAGE_AWAY: Row(
        "nothing",
        Course.REST,
        "The storage of your files does not answer at the moment. "
        "I try again by myself, and nothing is lost.",
    ),
    Trouble.STORAGE_REFUSED: Row(
        "nothing",
        Course.REST,
        "I am paused: the storage of your files cannot be used at the moment. "
        "The operator of this installation has been told. "
        "Nothing is lost, and I go on by myself once it works.",
        FOR_THE_OPERATOR,
        "The storage of the snapshots refuses, or is another one than before. Check PROJECT_SNAPSHOT_BUCKET, "
        "the AWS_* variables and what the key may do.",
    ),
    Trouble.FILES_LOST: Row("every saved copy", Course.ASK),
    Trouble.NO_MONEY: Row("nothing", Course.PAUSE),
    Trouble.DEFECT: Row(
        "nothing",
        Course.REST,
        "Something went wrong on our side. The operator of this installation has been told. "
        "Nothing is lost, and I try again by myself.",
        FOR_THE_OPERATOR,
        "A bug. The worker's log has the traceback; please report it.",
    ),
}


def as_markdown() -> list[str]:
    """The table's rows as docs/reference.md prints them."""
    return [_as_row(trouble, row) for trouble, row in TABLE.items()]


def _as_row(trouble: Trouble, row: Row) -> str:
    cells = (f"`{trouble}`", row.first, row.course, row.sentence or "(in the question)", row.operator or "-")
    return f"| {' | '.join(cells)} |"
