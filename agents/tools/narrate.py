"""Tells the founder what is happening."""

from pydantic import Field

from agents.sandbox.workspace import Workspace
from agents.tool_effects import Narrated
from agents.tools.tool import Input, Outcome, Tool, shorten
from agents.turns import Replay


class Narrate(Input):
    message: str = Field(min_length=1, max_length=2000, description="One or two sentences in plain language.")
    phase_name: str = Field(
        default="",
        max_length=200,
        description="The planned phase that begins now; the previous one is then done.",
    )


async def run(args: Narrate, workspace: Workspace) -> Outcome:
    text = f"Told the founder. The phase “{args.phase_name}” has begun." if args.phase_name else ""
    said = Narrated(args.message, args.phase_name.strip())
    return Outcome(text or "Told the founder.", label(args), effects=(said,))


def label(args: Narrate) -> str:
    return f"Began: {shorten(args.phase_name)}" if args.phase_name else "Told you what is happening"


TOOL = Tool(
    name="narrate",
    description=(
        "Tell the founder, who does not read code, what you are doing and why it matters to the product. "
        "Name a phase of your plan when it begins."
    ),
    input=Narrate,
    replay=Replay.RUN_AGAIN,
    doing=label,
    run=run,
)
