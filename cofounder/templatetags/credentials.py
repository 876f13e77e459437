"""What a question asks for besides text."""

from django import template

from escalations import credentials
from escalations.models import AgentEscalation

register = template.Library()


@register.filter
def asks_for_secrets(question: AgentEscalation) -> bool:
    return credentials.are_asked_for(question)


@register.filter
def secret_names_asked_for(question: AgentEscalation) -> list[str]:
    return credentials.names_asked_for(question)
