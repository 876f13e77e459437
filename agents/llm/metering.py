"""The usage of the attempt under way, also when it fails."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agents.turns import COMPACTION
from agents.usage import Usage

BYTES_PER_TOKEN = 3  # where the provider does not count: rather too many tokens than too few


@dataclass
class Meter:
    """The tokens an attempt has used so far, so that one that fails is billed too."""

    current: Usage = field(default_factory=Usage)


def usage_of(told: Mapping[str, Any]) -> Usage:
    """The provider's usage as ours. A compaction's tokens are only in `iterations`, never in the totals."""
    total = _one(told)
    iterations = told.get("iterations")
    for iteration in iterations if isinstance(iterations, list) else ():
        if isinstance(iteration, dict) and iteration.get("type") == COMPACTION:
            total += _one(iteration)
    return total


def _one(told: Mapping[str, Any]) -> Usage:
    split = told.get("cache_creation")
    split = split if isinstance(split, dict) else {}
    long_lived = _count(split, "ephemeral_1h_input_tokens")
    short_lived = _count(split, "ephemeral_5m_input_tokens")
    # Where the parts do not add up to the whole, the larger figure is taken.
    written = max(_count(told, "cache_creation_input_tokens"), long_lived + short_lived)
    return Usage(
        input_tokens=_count(told, "input_tokens"),
        output_tokens=_count(told, "output_tokens"),
        cache_write_5m_tokens=written - long_lived,
        cache_write_1h_tokens=long_lived,
        cache_read_tokens=_count(told, "cache_read_input_tokens"),
    )


def _count(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def at_least(used: Usage, sent: Any, received: Any) -> Usage:
    """The usage of a whole answer; what the provider has not counted is estimated from its bytes."""
    if used.context_tokens == used.output_tokens:
        used = replace(used, input_tokens=_tokens(sent))
    if not used.output_tokens:
        used = replace(used, output_tokens=_tokens(received))
    return used


def _tokens(value: Any) -> int:
    return len(json.dumps(value)) // BYTES_PER_TOKEN if value else 0
