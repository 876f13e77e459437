"""Everything that may stop a run. One handler, in `agents.builds`, turns each into an outcome."""

from agents.errors import AgentError


class ClaimLost(AgentError):
    """Another worker owns this session now."""


class InputArrived(Exception):
    """The session must not rest: something came that it should go on for."""


class GoingInCircles(AgentError):
    """The agent keeps repeating itself although it was told to change course."""


class CapReached(AgentError):
    """The agent has used all the tool calls of this phase."""


class TurnEnded(Exception):
    """The model ended its turn: it is done, winding down, or waiting for an answer."""


class ModelDeclined(AgentError):
    """The model declined to go on with this build."""


class TooLongAnswers(AgentError):
    """The model's answers are cut off one after the other."""


class ContextFull(AgentError):
    """The build's conversation no longer fits into the model's context."""


class OutOfBudget(Exception):
    """The next call does not fit into the founder's day."""

    def __init__(self, *, is_overdrawn: bool) -> None:
        super().__init__(OutOfBudget.__doc__)
        self.is_overdrawn = is_overdrawn


class PauseRequested(Exception):
    """The session pauses after this step; the message says why."""


class HandBack(Exception):
    """The worker stops; the session goes to whichever is free."""
