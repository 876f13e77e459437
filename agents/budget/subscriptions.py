"""Which model and limits a founder's build gets: the user's override, the tier's, then the global default."""

from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from agents.budget import prices
from agents.models import Subscription
from jobs import clock
from jobs.errors import PaymentNeeded


class LLMConfig(NamedTuple):
    model: str
    max_tool_calls: int
    tier: str


def require_subscription(user_id: UUID) -> Subscription:
    """The founder's subscription; `PaymentNeeded` when there is none or it is suspended."""
    subscription = Subscription.objects.select_related("tier").filter(user=user_id).first()
    if subscription is None:
        raise PaymentNeeded("There is no plan on this account yet. Settings say what is missing.")
    if subscription.suspended:
        raise PaymentNeeded("This subscription is suspended. Once it is paid, the build can go on.")
    return subscription


def resolve_llm_config(user_id: UUID) -> LLMConfig:
    """The founder's model and limits; `PaymentNeeded` or `UnknownModel` with a sentence otherwise."""
    subscription = require_subscription(user_id)
    model = subscription.model or settings.DEFAULT_MODEL
    prices.price_of(model, clock.today())
    return LLMConfig(model, subscription.tier.max_tool_calls, subscription.tier.slug)
