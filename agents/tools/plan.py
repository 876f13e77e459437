"""Sets the plan of the build."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from agents.sandbox.workspace import Workspace
from agents.tool_effects import PlanSet
from agents.tools.tool import Input, Outcome, Tool, plural
from agents.turns import Replay


class PlannedPhase(Input):
    name: str = Field(min_length=1, max_length=200, description="A few words the founder understands.")
    goal: str = Field(max_length=1000, description="What the founder has when it is done.")

    @field_validator("name")
    @classmethod
    def _is_not_blank(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("a phase needs a name")
        return name.strip()


class Plan(Input):
    phases: list[PlannedPhase] = Field(min_length=1, max_length=12, description="In the order of work.")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        if len({phase.name.casefold() for phase in self.phases}) < len(self.phases):
            raise ValueError("two phases have the same name")
        return self


async def run(args: Plan, workspace: Workspace) -> Outcome:
    effect = PlanSet(tuple((phase.name, phase.goal) for phase in args.phases))
    phases = plural(len(args.phases), "phase")
    return Outcome(f"The plan has {phases}.", f"Planned {phases}", effects=(effect,))


TOOL = Tool(
    name="plan",
    description=(
        "Set the plan of this build; do this first. Each phase ends with something the founder can see. "
        "Call it again when the plan changes; keep the names of phases that are done."
    ),
    input=Plan,
    replay=Replay.RUN_AGAIN,
    doing=lambda args: f"Planning {plural(len(args.phases), 'phase')}",
    run=run,
)
