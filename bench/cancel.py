"""How long a stop takes: from the founder's request until the agent's work has really ended."""

from statistics import median, quantiles

from bench.builds import working
from bench.install import Install
from bench.outcome import Outcome

BUILDS = 25
COMMAND = "sleep 593"
PLAY = {
    "name": "endless",
    "project": "Uniform Swap",
    "steps": [
        {
            "id": "long",
            "think": "Wait.",
            "call": [{"bash": {"command": COMMAND, "timeout": 600}}],
            "next": "long",
        }
    ],
}
TEXT = f"""\
Builds on a real worker with the rehearsal's model and sandbox, {BUILDS} stopped while a command ran and as
many while the model's answer had stalled. Seconds from the call of `cancel` (its transaction included) to
the moment at which the command's process was gone, or the interrupted call was in the ledger; `shown` is
the moment at which the log says that the agent has stopped."""


def measure(install: Install) -> Outcome:
    figures: dict[str, float] = {}
    with working(install, PLAY) as urls:
        for what in ("command", "model_call"):
            report = install.run_on("stopped", what, urls["anthropic_url"], str(BUILDS))
            for moment, seconds in report.items():
                figures[f"cancel.{what}_{moment}_seconds_p50"] = median(seconds)
                figures[f"cancel.{what}_{moment}_seconds_p99"] = quantiles(seconds, n=100)[-1]
            print(f"cancel: {what}: {report}", flush=True)
    return Outcome("Stop means stop", figures, {}, TEXT)
