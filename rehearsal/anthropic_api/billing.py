"""What the stand-in has billed, request by request; a JSON Lines file keeps it across restarts."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal.anthropic_api.catalogue import Model
from rehearsal.anthropic_api.usage import Usage

TOKENS = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


@dataclass(frozen=True)
class Charge:
    """One billed request; `complete` says whether its answer was sent to the end."""

    request_id: str
    message_id: str
    at: str
    model: str
    user_id: str | None
    kind: str
    complete: bool
    usage: dict[str, Any]
    cost_microdollars: int


class Bill:
    """All charges, including those of earlier runs."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.charges: list[Charge] = []
        if path and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            self.charges = [Charge(**json.loads(line)) for line in lines if line.endswith("}")]

    def add(
        self,
        usage: Usage,
        model: Model,
        *,
        request_id: str,
        message_id: str,
        user_id: str | None,
        kind: str,
        complete: bool,
    ) -> None:
        """Bill a request; one that used nothing costs nothing and is not listed."""
        if not usage.input.total and not usage.output:
            return
        charge = Charge(
            request_id=request_id,
            message_id=message_id,
            at=datetime.now(UTC).isoformat(),
            model=model.id,
            user_id=user_id,
            kind=kind,
            complete=complete,
            usage=usage.to_json(),
            cost_microdollars=usage.cost(model),
        )
        self.charges.append(charge)
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(charge)) + "\n")

    def to_json(self, user_id: str | None = None) -> dict[str, Any]:
        """Totals and the list of charges, for one `metadata.user_id` if given."""
        chosen = [charge for charge in self.charges if user_id in (None, charge.user_id)]
        totals = {name: sum(charge.usage[name] for charge in chosen) for name in TOKENS}
        cost = sum(charge.cost_microdollars for charge in chosen)
        totals |= {"requests": len(chosen), "cost_microdollars": cost}
        return {"totals": totals, "requests": [asdict(charge) for charge in chosen]}
