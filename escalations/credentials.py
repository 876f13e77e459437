"""Which credentials a question asks for: the names found in its text."""

import re

from escalations.answers import PROVIDE_CREDENTIALS
from escalations.models import AgentEscalation
from jobs import project_secrets
from jobs.project_secrets import BadSecret

ENVIRONMENT_NAME = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


def are_asked_for(question: AgentEscalation) -> bool:
    """Whether giving credentials is one of the answers."""
    return any(option["value"] == PROVIDE_CREDENTIALS for option in question.options)


def names_asked_for(question: AgentEscalation) -> list[str]:
    """The environment variables that it names; if none, those that the project already has."""
    words = [question.plain_english_problem, question.recommended_action]
    words += [f"{option['label']} {option['description']}" for option in question.options]
    named = dict.fromkeys(ENVIRONMENT_NAME.findall("\n".join(words)))
    return list(filter(_is_usable, named)) or project_secrets.names_of(question.project_id)


def _is_usable(name: str) -> bool:
    try:
        project_secrets.clean_name(name)
    except BadSecret:
        return False
    return True
