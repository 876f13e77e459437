"""What a request used, in the API's format, and what it costs."""

from dataclasses import dataclass
from typing import Any

from rehearsal.anthropic_api.catalogue import Model
from rehearsal.anthropic_api.prompt_cache import InputUse


@dataclass(frozen=True)
class Usage:
    """The four kinds of input tokens, and the output tokens; `thinking` of those were for thinking."""

    input: InputUse
    output: int
    thinking: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "input_tokens": self.input.input,
            "output_tokens": self.output,
            "cache_creation_input_tokens": self.input.write_5m + self.input.write_1h,
            "cache_read_input_tokens": self.input.read,
            "cache_creation": {
                "ephemeral_5m_input_tokens": self.input.write_5m,
                "ephemeral_1h_input_tokens": self.input.write_1h,
            },
        }

    def cost(self, model: Model) -> int:
        """Micro-dollars, rounded up once for the whole request."""
        prices = model.prices_for(self.input.total)
        thousandths = (
            self.input.input * prices.input
            + self.input.write_5m * prices.write_5m
            + self.input.write_1h * prices.write_1h
            + self.input.read * prices.read
            + self.output * prices.output
        )
        return -(-thousandths // 1000)


NOTHING = Usage(InputUse(), 0)


def message_usage(usage: Usage) -> dict[str, Any]:
    """The top-level usage of an answer."""
    return {
        **usage.to_json(),
        "output_tokens_details": {"thinking_tokens": usage.thinking},
        "service_tier": "standard",
    }


def iteration(kind: str, usage: Usage, model: Model) -> dict[str, Any]:
    """An entry in the beta API's `usage.iterations`; `kind` is "message" or "compaction"."""
    return {"type": kind, **({"model": model.id} if kind == "message" else {}), **usage.to_json()}
