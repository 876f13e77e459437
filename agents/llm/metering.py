"""The usage of the attempt under way, also when it fails."""

from dataclasses import dataclass, field

from anthropic.types.beta import BetaUsage

from agents.usage import Usage


@dataclass
class Meter:
    """The tokens an attempt has used so far, so that one that fails is billed too."""

    current: Usage = field(default_factory=Usage)


def usage_of(usage: BetaUsage) -> Usage:
    """The SDK's usage as ours. A compaction's tokens are only in `iterations`, never in the totals."""
    split = usage.cache_creation
    written = usage.cache_creation_input_tokens or 0
    long_lived = split.ephemeral_1h_input_tokens if split else 0
    total = Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_write_5m_tokens=written - long_lived,
        cache_write_1h_tokens=long_lived,
        cache_read_tokens=usage.cache_read_input_tokens or 0,
    )
    for iteration in usage.iterations or []:
        if iteration.type == "compaction":
            total += Usage(
                input_tokens=iteration.input_tokens,
                output_tokens=iteration.output_tokens,
                cache_write_5m_tokens=iteration.cache_creation_input_tokens or 0,
                cache_read_tokens=iteration.cache_read_input_tokens or 0,
            )
    return total
