"""Questions that an agent which is stuck asks the founder, and when there have been too many.

The first option is the one that is recommended; the founder sees it marked.
"""

from collections.abc import Sequence

from agents.models import AgentSession, SessionState
from agents.tool_effects import Asked
from escalations.models import AgentEscalation
from jobs.models import EventType, JobEvent

MOST_ESCALATIONS = 5  # since the founder last resumed the build
TOO_MANY = "I have asked you five times and stopped before I spend more. Answer what you can, then resume me."
STOPPED = "Stopped here, as you chose. Resume me whenever you like."
REPETITION, TOOL_CALL_CAP, CHECKS_FAILED = "repetition", "tool_call_cap", "checks_failed"
DECLINED, LONG_ANSWERS = "model_declines", "model_cut"
STOP_HERE = "stop_here"
STOPPABLE = frozenset({REPETITION, TOOL_CALL_CAP, DECLINED, LONG_ANSWERS})


def about_circles(cap: int) -> Asked:
    """The same call again and again, although the model was told to change course."""
    return Asked(
        "I keep trying the same thing and it keeps failing.",
        "Let me change course.",
        (_CHANGE_COURSE, _go_on(cap), _STOP),
        REPETITION,
    )


def about_the_cap(cap: int) -> Asked:
    """The tool calls allowed without hearing from the founder are used up."""
    return Asked(
        f"I have taken {cap} steps since you last heard from me without finishing this part.",
        "Let me go on for as long again.",
        (_go_on(cap), _CHANGE_COURSE, _STOP),
        TOOL_CALL_CAP,
    )


def about_declining(part: str) -> Asked:
    """The model declines to go on, also after it was asked in other words."""
    return Asked(
        f"The model that does the building declines to go on{_with(part)}. "
        "It was asked twice, in different words.",
        "Tell me in your own words what this part is for, or let me leave it out.",
        (_SAY_MORE, _LEAVE_OUT, _TRY_AGAIN, _STOP),
        DECLINED,
    )


def about_long_answers(part: str) -> Asked:
    """Each answer is cut off, also where it could be longer."""
    return Asked(
        f"I do not get on{_with(part)}: what I want to write at once is too long, "
        "and it was cut off four times.",
        "Let me build a simpler version of this part.",
        (
            {
                "value": "simpler_version",
                "label": "Make it simpler",
                "description": "I build a simpler version of this part that I can make work.",
            },
            _TRY_AGAIN,
            _LEAVE_OUT,
            _STOP,
        ),
        LONG_ANSWERS,
    )


def _with(part: str) -> str:
    return f" with “{part}”" if part else ""


_SAY_MORE = {
    "value": "provide_guidance",
    "label": "Tell me more",
    "description": "You describe in your own words what this is for and what matters about it.",
}
_LEAVE_OUT = {
    "value": "skip_feature",
    "label": "Leave it out",
    "description": "I build the rest without this. It can be added later.",
}
_TRY_AGAIN = {
    "value": "try_again",
    "label": "Try again",
    "description": "I go on from where I stopped.",
}
_STOP = {
    "value": STOP_HERE,
    "label": "Stop here",
    "description": "I pause the build. Nothing is lost, and nothing is spent until you resume it.",
}


_CHANGE_COURSE = {
    "value": "change_course",
    "label": "Change course",
    "description": "I leave this way and look for another one.",
}


def _go_on(cap: int) -> dict[str, str]:
    return {"value": "go_on", "label": "Go on", "description": f"I take up to {cap} more steps as planned."}


def about_checks(promises: Sequence[str]) -> Asked:
    """Promises that are still not kept after several rounds."""
    return Asked(
        f"I have tried three times, and this part still does not work as you asked: {'; '.join(promises)}",
        "Let me build a simpler version of it.",
        (
            {
                "value": "simpler_version",
                "label": "Make it simpler",
                "description": "I build a simpler version of this part that I can make work.",
            },
            {
                "value": "keep_trying",
                "label": "Keep trying",
                "description": "I go on with this part as it is.",
            },
            {
                "value": "provide_guidance",
                "label": "Tell me more",
                "description": "You describe in your own words what matters about it.",
            },
        ),
        CHECKS_FAILED,
    )


def is_stop(answer: AgentEscalation) -> bool:
    """Whether the founder chose to stop here rather than to go on."""
    return answer.founder_decision == STOP_HERE and answer.error_type in STOPPABLE


def asks_too_much(session: AgentSession) -> bool:
    """Whether the agent has asked five times since the founder last resumed the build."""
    asked = AgentEscalation.objects.filter(job_id=session.job_id)
    resumed = (
        JobEvent.objects.filter(
            job_id=session.job_id,
            type=EventType.AGENT_STATE,
            payload__previous=SessionState.PAUSED,
            payload__state=SessionState.QUEUED,
        )
        .order_by("-seq")
        .first()
    )
    if resumed is not None:
        asked = asked.filter(created_at__gt=resumed.created_at)
    return asked.count() >= MOST_ESCALATIONS
