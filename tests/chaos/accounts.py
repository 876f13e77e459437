"""The ledger compared with the provider's bill, call by call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agents.models import SpendEntry

MOST_ATTEMPTS = 12  # for one call


@dataclass(frozen=True)
class Account:
    """The provider's charges by ledger entry; `lost` are the charges that belong to released entries."""

    lost: list[tuple[SpendEntry, list[dict[str, Any]]]]

    @property
    def lost_microdollars(self) -> int:
        return sum(charge["cost_microdollars"] for _, charges in self.lost for charge in charges)


def reconcile(entries: Sequence[SpendEntry], charges: Sequence[dict[str, Any]]) -> Account | None:
    """Match entries with charges in order; None when they do not match.

    A session makes one call at a time. A settled entry has exactly the tokens of its attempts, which are
    consecutive; a released one may have charges whose answer no worker lived to receive.
    """
    fits = [{len(charges): 0}]  # for each entry: where its charges may begin, and how many there are then
    for entry in reversed(entries):
        fits.insert(0, dict(_places(entry, charges, fits[0])))
    if 0 not in fits[0]:
        return None
    lost, start = [], 0
    for entry, places in zip(entries, fits, strict=False):
        its = list(charges[start : start + places[start]])
        start += len(its)
        if its and entry.status == SpendEntry.Status.RELEASED:
            lost.append((entry, its))
    return Account(lost)


def _places(
    entry: SpendEntry, charges: Sequence[dict[str, Any]], following: dict[int, int]
) -> Iterator[tuple[int, int]]:
    for start in range(len(charges) + 1):
        for count in range(MOST_ATTEMPTS + 1):
            if start + count in following and _is_its(entry, charges[start : start + count]):
                yield start, count
                break


def _is_its(entry: SpendEntry, charges: Sequence[dict[str, Any]]) -> bool:
    if entry.status == SpendEntry.Status.RELEASED:
        return sum(charge["cost_microdollars"] for charge in charges) <= entry.reserved_microdollars
    kinds = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    billed = tuple(sum(charge["usage"][kind] for charge in charges) for kind in kinds)
    written = entry.cache_write_5m_tokens + entry.cache_write_1h_tokens
    return billed == (entry.input_tokens, entry.output_tokens, written, entry.cache_read_tokens)
