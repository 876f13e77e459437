"""Ask pip-audit for known vulnerabilities of the pinned packages; run by `make lint`.

Exits with 1 when there is one. When the advisories cannot be reached it prints a clear warning and exits with
0: a machine without a network is not a vulnerability.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PINS = Path(__file__).resolve().parent.parent / "requirements-dev.txt"
AUDIT = [sys.executable, "-m", "pip_audit", "--requirement", str(PINS), "--no-deps", "--disable-pip"]
OPTIONS = ["--format", "json", "--progress-spinner", "off", "--timeout", "10"]
SILENCE_SECONDS = 300
LOUD = "!" * 100


def main() -> int:
    try:
        done = subprocess.run(
            [*AUDIT, *OPTIONS], capture_output=True, text=True, check=False, timeout=SILENCE_SECONDS
        )
        said, error = done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        said, error = "", "no answer"
    code, text = judge(said, error)
    print(text, file=sys.stderr if code == 0 and LOUD in text else sys.stdout)
    return code


def judge(said: str, error: str) -> tuple[int, str]:
    """The exit code and the message for pip-audit's output.

    A package it could not look up is listed with a `skip_reason`, and was not audited.
    """
    try:
        packages = json.loads(said)["dependencies"]
    except (ValueError, KeyError):
        return 0, unreachable(last_line(error))
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        return 0, unreachable(packages[0]["skip_reason"] if packages else "nothing was looked up")
    weak = [package for package in audited if package["vulns"]]
    lines = [f"{package['name']} {package['version']}: {advisories(package['vulns'])}" for package in weak]
    lines.append(f"{len(weak)} of {len(audited)} audited packages have known weaknesses.")
    if skipped := [package["name"] for package in packages if "skip_reason" in package]:
        lines.append(f"{LOUD}\nNOT AUDITED: {', '.join(skipped)}\n{LOUD}")
    return int(bool(weak)), "\n".join(lines)


def advisories(weaknesses: list[dict[str, Any]]) -> str:
    return ", ".join(
        f"{weakness['id']} (fixed in {', '.join(weakness['fix_versions']) or 'no version yet'})"
        for weakness in weaknesses
    )


def unreachable(reason: str) -> str:
    return f"{LOUD}\nNOT AUDITED: the advisories cannot be reached from here ({reason[:200]})\n{LOUD}"


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no answer"])[-1]


if __name__ == "__main__":
    sys.exit(main())
