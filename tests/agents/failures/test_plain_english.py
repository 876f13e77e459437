"""What a founder reads about failures, for error texts as the tools of the trade print them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.failures import plain_english
from agents.failures.failure import Failure, failure_of
from agents.turns import ToolCall, ToolResult, text_block

EXAMPLES = yaml.safe_load((Path(__file__).parent / "error_texts.yaml").read_text())
SEEN = [(one["command"], one["said"], one["question"]) for one in EXAMPLES]
JARGON = re.compile(
    r"Error\b|Exception|Traceback|ERR!|[\w]+/[\w]+|\.py\b|\.js\b|--\w|\bE[A-Z]{5,}|\b(?:40[134]|429|50[0234])\b"
)


def failed(command: str, said: str) -> tuple[ToolCall, Failure]:
    call = ToolCall("id", "bash", {"command": command})
    text = text_block(f"{said}\n[exit 1]")
    return call, failure_of(ToolResult(call, "label", [text], True, "command_failed", exit_code=1))


def asked(command: str, said: str) -> str:
    call, failure = failed(command, said)
    attempts = 1 if failure.category.is_never_retried else 3
    return plain_english.problem(call, failure, phase="", attempts=attempts)


@pytest.mark.parametrize(("command", "said", "question"), SEEN)
def test_the_question_says_what_was_tried_and_what_came_of_it(command: str, said: str, question: str) -> None:
    assert asked(command, said) == question


@pytest.mark.parametrize(("command", "said"), [row[:2] for row in SEEN])
def test_nothing_that_a_founder_reads_is_jargon(command: str, said: str) -> None:
    call, failure = failed(command, said)
    texts = [
        asked(command, said),
        plain_english.attempt(call, failure, ["app/order_list.py"]),
        plain_english.recommended(call, failure),
    ]
    assert not [text for text in texts if JARGON.search(text)]


def test_refused_sign_ins_at_different_services_are_different_questions() -> None:
    refused = {asked(command, said) for command, said, question in SEEN if "refused the sign-in" in question}
    named = [row[2] for row in SEEN if "refused the sign-in" in row[2]]
    assert len(refused) == len(set(named)) >= 8
    assert not [text for text in refused if plain_english.SOMEBODY in text]


def attempts(*commands: str, said: str = "RuntimeError: x", changed: Any = ()) -> list[str]:
    return plain_english.distinct(
        [plain_english.attempt(*failed(command, said), changed) for command in commands]
    )


@pytest.mark.parametrize(
    "commands",
    [
        (
            "pip install psycopg2==2.9.9",
            "pip install psycopg2==2.8",
            "pip install psycopg2 --no-binary :all:",
        ),
        (
            "python3 -c 'import smtplib; smtplib.SMTP(\"mail.acme.org\", 587)'",
            "python3 -c 'import smtplib; smtplib.SMTP(\"mail.acme.org\", 25)'",
            "python3 -c 'import smtplib, ssl; smtplib.SMTP_SSL(\"mail.acme.org\", 465)'",
        ),
        ("PORT=8001 node app.js", "PORT=8002 node app.js", "NODE_ENV=production node app.js"),
        ("python3 scripts/import_orders.py", "python3 scripts/load.py", "bash import.sh"),
        ("python3 a b", "python3 'a'   b", "python3 a 'b'"),  # nothing tells them apart
    ],
)
def test_three_attempts_never_read_the_same(commands: tuple[str, ...]) -> None:
    told = attempts(*commands)
    assert len(set(told)) == 3
    assert all("I tried" in sentence for sentence in told)


def test_attempts_that_differ_in_nothing_told_are_counted() -> None:
    assert attempts("python3 job.py", "python3 job.py", "python3 job.py") == [
        "I tried to run the script “job”: the code stopped with an error.",
        "I tried a second way to run the script “job”: the code stopped with an error.",
        "I tried a third way to run the script “job”: the code stopped with an error.",
    ]


def test_attempts_after_changes_name_what_was_changed() -> None:
    told = attempts("python3 job.py", "python3 job.py", "python3 job.py", changed=["app/order_list.py"])
    assert told[0] == (
        "After changing 1 file (order list), I tried to run the script “job”: the code stopped with an error."
    )
    assert told[1].startswith("After changing 1 file (order list) once more, I tried to")
    assert told[2].startswith("After changing 1 file (order list) for the third time, I tried to")


def test_no_value_that_may_be_a_secret_is_told() -> None:
    [told] = attempts("STRIPE_KEY=sk_live_123456 API_PIN=123456789 node charge.js")
    assert told.startswith("I tried to run the script “charge” (stripe key and api pin):")
