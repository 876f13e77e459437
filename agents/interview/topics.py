"""The fixed map: the nine things that decide what is built. A question is always about one of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    JOB = "job"  # the first job it does for them
    WHO = "who"  # who uses it
    ACCESS = "access"  # who may see or change what
    NEVER = "never"  # what must never happen
    KEPT = "kept"  # what is kept
    SENT = "sent"  # what is sent to whom
    OUTSIDE = "outside"  # outside services, and keys to them
    LEFT_OUT = "left_out"  # what is left out
    SUCCESS = "success"  # how one knows that it worked


# How much a wrong guess would cost: another product, a wall to move, a line to change.
IMPACT: Mapping[Topic, int] = {
    Topic.JOB: 9,
    Topic.WHO: 8,
    Topic.ACCESS: 8,
    Topic.NEVER: 7,
    Topic.KEPT: 6,
    Topic.SENT: 5,
    Topic.OUTSIDE: 5,
    Topic.LEFT_OUT: 4,
    Topic.SUCCESS: 3,
}
MOST_UNCERTAIN = 3


@dataclass(frozen=True)
class FixedQuestion:
    """Asked where the model's own question cannot be used. The first option is the recommended one."""

    text: str
    why: str
    options: tuple[tuple[str, str], ...]  # label, reason


FIXED: Mapping[Topic, FixedQuestion] = {
    Topic.JOB: FixedQuestion(
        "What is the one thing it should do well on the first day?",
        "It decides what is built first, and what everything else waits for.",
        (
            ("Show what there is, up to date", "Everything else builds on a list that people trust."),
            ("Take in requests or bookings", ""),
            ("Remind people of what is due", ""),
        ),
    ),
    Topic.WHO: FixedQuestion(
        "Who will use it first?",
        "It decides what the first page shows, and how much has to be explained.",
        (
            ("The people I serve, on their phones", "Most people will open it from a link on a phone."),
            ("Only me and my team", ""),
            ("Both, with different pages", ""),
        ),
    ),
    Topic.ACCESS: FixedQuestion(
        "Who may change what is in it?",
        "It decides who needs to sign in, and who can see names and numbers.",
        (
            (
                "Everybody may look, only I change things",
                "It is the safest start, and easy to open up later.",
            ),
            ("Everybody may add and change their own things", ""),
            ("Only people I invite may see it at all", ""),
        ),
    ),
    Topic.NEVER: FixedQuestion(
        "What must never happen, even on a bad day?",
        "It becomes a promise that is checked each time.",
        (
            ("The same thing is given to two people", "It is what people forgive least."),
            ("A stranger sees somebody's name or number", ""),
            ("Something that was entered is lost", ""),
        ),
    ),
    Topic.KEPT: FixedQuestion(
        "What should it remember, and for how long?",
        "It decides what people have to enter, and what can be looked up later.",
        (
            ("Only what is needed now, then forget it", "Less to protect, and less to explain."),
            ("Everything, as a history I can look through", ""),
        ),
    ),
    Topic.SENT: FixedQuestion(
        "Should it send anything to anybody?",
        "It decides whether it needs people's addresses, and your leave to write to them.",
        (
            (
                "Nothing for now, people look it up",
                "It works on the first day, without any account elsewhere.",
            ),
            ("An e-mail when something needs me", ""),
            ("An e-mail to the person concerned", ""),
        ),
    ),
    Topic.OUTSIDE: FixedQuestion(
        "Does it have to work together with something you already use?",
        "It decides which keys I shall need from you.",
        (
            ("No, it stands on its own", "It can be tried at once, and connected later."),
            ("Yes, with a list or calendar I have", ""),
            ("Yes, with a payment service", ""),
        ),
    ),
    Topic.LEFT_OUT: FixedQuestion(
        "What can wait for a later version?",
        "Leaving things out makes the rest better, and cheaper.",
        (
            ("Paying inside the app", "It is the part that needs most care."),
            ("Accounts with passwords", ""),
            ("Statistics and reports", ""),
        ),
    ),
    Topic.SUCCESS: FixedQuestion(
        "How will you know after a month that it worked?",
        "It tells what to look at first when choices have to be made.",
        (
            ("People use it without asking me", "You will notice it without counting anything."),
            ("I save an hour or more every week", ""),
            ("I have new customers because of it", ""),
        ),
    ),
}
