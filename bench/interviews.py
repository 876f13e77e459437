"""`make eval`: twenty ideas are interviewed, and the rules counted: how many questions, and none too many.

With ANTHROPIC_API_KEY the model of the plan asks; without it the rehearsal's script does, which checks our
rules and says nothing about a model.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

IDEAS = Path(__file__).parent / "interviews.json"
FEWEST_WORDS = 3  # of how a promise is checked; fewer say nothing
MODEL = os.environ.get("INTERVIEW_MODEL") or os.environ.get("DEFAULT_MODEL") or "claude-sonnet-5-5"


@dataclass
class Result:
    """One idea's interview."""

    idea: str
    asked: list[str]
    most: int
    too_many: list[str]  # topics that the sentence had answered
    unchecked: list[str]  # promises without a check that a person would accept
    unfit: int
    cost: int  # µ$


def main() -> None:
    from cofounder.config.environment import make_missing_keys

    make_missing_keys()
    has_key = bool(os.environ.get("ANTHROPIC_API_KEY"))
    with provider(has_key):
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cofounder.settings")
        django.setup()
        results = asyncio.run(_all())
    print(_report(results, has_key))  # the program's output
    if any(result.too_many or len(result.asked) > result.most for result in results):
        sys.exit("eval: a rule of the interview was broken.")


@contextmanager
def provider(has_key: bool) -> Iterator[None]:
    """Anthropic where there is a key; otherwise a rehearsal server for the time of the run."""
    if has_key:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "rehearsal", "--data-dir", folder, "--anthropic-port", "0"]
        command += ["--e2b-port", "0", "--pace", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # our own
        try:
            assert server.stdout is not None
            os.environ["ANTHROPIC_BASE_URL"] = json.loads(server.stdout.readline())["anthropic_url"]
            os.environ["ANTHROPIC_API_KEY"] = "a rehearsal needs none"
            yield
        finally:
            server.terminate()
            server.wait()


async def _all() -> list[Result]:
    return [await _interview(idea) for idea in json.loads(IDEAS.read_text())]


async def _interview(idea: dict[str, Any]) -> Result:
    """The founder of the evaluation leaves everything to the model: each answer is its own suggestion."""
    from agents.budget.prices import price_of
    from agents.interview import call, prompt, rules, schema
    from agents.interview.values import Asked, How, Talk
    from agents.llm.client import AnthropicModel, Request

    talk, cost, unfit = Talk(idea["idea"]), 0, 0
    price = price_of(MODEL, datetime.now(UTC).date())
    model = AnthropicModel(_no_news, _Purse(), call.PATIENCE)
    try:
        while True:
            request = Request(
                MODEL, prompt.system_prompt(), [schema.TOOL], [prompt.message(talk)], call.MOST_TOKENS, "eval"
            )
            turn = await model.answer(request)
            cost += price.cost(model.meter.current)
            try:
                step = call.read(turn, talk)
            except rules.Unfit:
                unfit += 1
                if unfit > 3:
                    break
                continue
            talk = replace(talk, draft=step.draft, sensitive=step.sensitive or talk.sensitive)
            if step.question is None or not rules.may_ask(talk):
                break
            key = f"q{len(talk.asked) + 1}"
            talk = rules.answered(
                replace(talk, asked=(*talk.asked, Asked(key, step.question))), key, How.DECIDE, ""
            )
    finally:
        await model.close()
    asked = [each.question.topic.value for each in talk.asked]
    return Result(
        idea["idea"],
        asked,
        rules.most_questions(talk),
        [topic for topic in asked if topic in idea["answered"]],
        [each.text for each in talk.draft.promises if not _is_acceptable(each.text, each.how_checked)],
        unfit,
        cost,
    )


def _is_acceptable(promise: str, how: str) -> bool:
    """Whether it says how it is tried, and not only the promise again, also where no spaces are written."""
    is_long = len(how.split()) >= FEWEST_WORDS or len(how) >= 3 * FEWEST_WORDS
    return is_long and how.strip() != promise.strip()


def _report(results: list[Result], has_key: bool) -> str:
    lines = [f"{len(result.asked)} of {result.most}  {result.idea[:70]}" for result in results]
    asked = sum(len(result.asked) for result in results)
    costs = [result.cost for result in results]
    who = f"the model {MODEL}" if has_key else "the rehearsal's script, so this checks our rules and no model"
    return "\n".join(
        [
            *lines,
            "",
            f"Asked by {who}.",
            f"Questions: {asked} for {len(results)} ideas, at most {max(len(r.asked) for r in results)}.",
            f"Already answered by the sentence: {sum(len(r.too_many) for r in results)}.",
            f"Promises without a check that a person would accept: {sum(len(r.unchecked) for r in results)}.",
            f"Answers that did not fit: {sum(r.unfit for r in results)}.",
            f"Cost: ${sum(costs) / 1_000_000:.2f}, at most ${max(costs) / 1_000_000:.3f} each.",
        ]
    )


class _Purse:
    async def next_attempt(self, used: Any) -> int:
        from agents.interview import call

        return call.MOST_TOKENS


async def _no_news(reason: str, attempt: int) -> None:
    """Nobody waits."""


if __name__ == "__main__":
    main()
