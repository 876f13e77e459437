"""What a tool call changes in the database, as values; `agents.checkpoint.apply_effects` writes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanSet:
    """The agent's plan, in order: `(name, goal)` pairs."""

    phases: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Narrated:
    """A message to the founder; with a phase's name it begins that phase and completes the previous one."""

    message: str
    phase_name: str = ""


@dataclass(frozen=True)
class Documented:
    section: str
    content: str


@dataclass(frozen=True)
class Asked:
    """A question to the founder; options are `{value, label, description}`."""

    problem: str
    recommended_action: str
    options: tuple[dict[str, str], ...]
    error_type: str = "product_decision"


Effect = PlanSet | Narrated | Documented | Asked
