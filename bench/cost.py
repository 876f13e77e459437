"""What a long build costs with and without prompt caching, as billed by the rehearsal's provider."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from bench import long_build
from bench.install import Install
from bench.outcome import Outcome, table

BARS = {"cost.cached_vs_uncached": 0.25}
KINDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


@dataclass(frozen=True)
class Bill:
    """What the provider billed for one build; `ledger` is the cost in our own ledger. µ$."""

    totals: dict[str, int]
    ledger: int

    @property
    def cost(self) -> int:
        return self.totals["cost_microdollars"]


def measure(install: Install) -> Outcome:
    cached = _build(install, is_cached=True)
    uncached = _build(install, is_cached=False)
    figures = {
        "cost.cached_vs_uncached": cached.cost / uncached.cost,
        "cost.cached_dollars": cached.cost / 1_000_000,
        "cost.uncached_dollars": uncached.cost / 1_000_000,
    }
    return Outcome("What a build of 150 iterations costs", figures, BARS, _text(cached, uncached))


def _build(install: Install, *, is_cached: bool) -> Bill:
    with TemporaryDirectory(prefix="cofounder-bench-") as name, _rehearsal(Path(name)) as urls:
        with _model_url(urls["anthropic_url"], is_cached=is_cached) as model_url:
            os.environ |= {
                "ANTHROPIC_API_KEY": "rehearsal",
                "ANTHROPIC_BASE_URL": model_url,
                "E2B_API_KEY": Path(urls["e2b_api_key_file"]).read_text(),
                "E2B_API_URL": urls["e2b_api_url"],
                "E2B_SANDBOX_URL": urls["e2b_sandbox_url"],
            }
            report = install.run_ours("built")
        if (report["status"], report["iterations"]) != ("ready", long_build.TURNS):
            raise RuntimeError(f"The build did not end as the play does: {report}")
        answer = httpx.get(f"{urls['anthropic_url']}/rehearsal/billed", params={"user_id": report["job_id"]})
    bill = Bill(answer.json()["totals"], report["ledger"])
    if bill.ledger != bill.cost:
        raise RuntimeError(f"The ledger says {bill.ledger} µ$, the provider billed {bill.cost}.")
    print(f"cost: {'with' if is_cached else 'without'} prompt caching {bill.cost} µ$", flush=True)
    return bill


@contextmanager
def _model_url(url: str, *, is_cached: bool) -> Iterator[str]:
    """Where the model is called: directly, or through a proxy that removes the caching."""
    if is_cached:
        yield url
        return
    with _server("bench.uncached", url) as said:
        yield said["url"]


@contextmanager
def _rehearsal(data_dir: Path) -> Iterator[dict[str, Any]]:
    plays = long_build.write_play(data_dir / "plays")
    options = ("--data-dir", str(data_dir), "--pace", "0", "--plays", str(plays))
    with _server("rehearsal", *options) as urls:
        yield urls


@contextmanager
def _server(module: str, *options: str) -> Iterator[dict[str, Any]]:
    """A server whose first output line is JSON with its address."""
    command = [sys.executable, "-m", module, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _text(cached: Bill, uncached: Bill) -> str:
    bills = {"with prompt caching": cached, "without": uncached}
    rows = [
        (name, *(f"{bill.totals[kind]:,}" for kind in KINDS), f"${bill.cost / 1_000_000:.2f}")
        for name, bill in bills.items()
    ]
    head = ("the same build", "input", "written to the cache", "read from it", "output", "cost")
    return f"{METHOD}\n\n{table(head, rows)}"


METHOD = f"""\
A rehearsal build of {long_build.TURNS} turns on claude-sonnet-5-5, built twice from brief to `ready` by the
real worker code and the real SDKs: every request goes over the wire, and the rehearsal server bills it by the
provider's rules (what is cached, for how long, from which length on) at list prices. The second time a relay
between the two takes `cache_control` out of each request; the product has no switch for it. Both times the
ledger agreed with the bill to the µ$. The model answers at once here, so the five minutes that a cached
prefix lives are never over; a pause longer than that writes the prefix anew. A transcript that outgrows
150,000 tokens is summed up in both."""
