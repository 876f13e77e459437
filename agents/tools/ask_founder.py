"""Asks the founder for a decision."""

from typing import Self

from pydantic import Field, model_validator

from agents.sandbox.workspace import Workspace
from agents.tool_effects import Asked
from agents.tools.tool import Input, Outcome, Tool
from agents.turns import Replay


class Option(Input):
    value: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        description="A short name, e.g. keep_simple; provide_credentials lets them enter a secret.",
    )
    label: str = Field(min_length=1, max_length=100, description="What the button says.")
    description: str = Field(max_length=500, description="What the founder gets by choosing it.")


class AskFounder(Input):
    problem: str = Field(min_length=1, max_length=2000, description="Plain language: no code, no error text.")
    recommended_action: str = Field(min_length=1, max_length=1000, description="What you would do, and why.")
    options: list[Option] = Field(
        min_length=2, max_length=3, description="The one you recommend first: the founder sees it marked."
    )

    @model_validator(mode="after")
    def _values_are_unique(self) -> Self:
        if len({option.value for option in self.options}) < len(self.options):
            raise ValueError("two options have the same value")
        return self


async def run(args: AskFounder, workspace: Workspace) -> Outcome:
    options = tuple(option.model_dump() for option in args.options)
    effect = Asked(args.problem, args.recommended_action, options)
    text = "The founder has been asked; the answer will come as a note. Do other work, or end your turn."
    return Outcome(text, "Asked you a question", effects=(effect,))


TOOL = Tool(
    name="ask_founder",
    description=(
        "Ask the founder for a product decision, or for something only they can give you. Never ask for a "
        "coding decision. Use it when you are truly stuck, after real attempts."
    ),
    input=AskFounder,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: "Asking you a question",
    run=run,
)
