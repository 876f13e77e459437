"""Writes a section of the product's documentation."""

from typing import Literal

from pydantic import Field

from agents.sandbox.workspace import Workspace
from agents.tool_effects import Documented
from agents.tools.tool import Input, Outcome, Tool
from agents.turns import Replay

TITLES = {
    "overview": "the overview",
    "features": "the features",
    "getting_started": "how to get started",
    "faq": "questions and answers",
}


class Document(Input):
    section: Literal["overview", "features", "getting_started", "faq"]
    content: str = Field(
        min_length=1, max_length=20_000, description="Markdown, for the founder's customers."
    )


async def run(args: Document, workspace: Workspace) -> Outcome:
    title = TITLES[args.section]
    effect = Documented(args.section, args.content)
    return Outcome(f"Saved {title}.", f"Wrote {title}", effects=(effect,))


TOOL = Tool(
    name="document",
    description="Write a section of the product's documentation, replacing the section's earlier text.",
    input=Document,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Writing {TITLES[args.section]}",
    run=run,
)
