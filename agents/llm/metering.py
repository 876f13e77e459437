"""The usage of the call under way, also when it fails."""

from dataclasses import dataclass, field

from anthropic.types.beta import BetaUsage

from agents.usage import Spent, Usage


@dataclass
class Meter:
    """The tokens a call has used so far, over all its attempts, so that failed attempts are billed too."""

    earlier: list[Usage] = field(default_factory=list)
    current: Usage = field(default_factory=Usage)

    @property
    def total(self) -> Usage:
        return Spent.on([used for used in (*self.earlier, self.current) if used != Usage()])

    def new_attempt(self) -> None:
        self.earlier.append(self.current)
        self.current = Usage()


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
