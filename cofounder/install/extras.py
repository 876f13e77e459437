"""`python -m cofounder.install.extras`: git and Chromium, which no Python package brings.

Nothing depends on them: what could not be had is said, with what that costs, and never stops an install.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence

from agents.preview import chromium

DEBIAN_SECONDS = 300.0
PLAYWRIGHT_SECONDS = 180.0
TRIAL_SECONDS = 30.0
WITHOUT_GIT = "git is missing: the agent keeps no history of its work in the sandbox."
WITHOUT_CHROMIUM = "there are no screenshots of what is built, and a page drawn by scripts cannot be judged."


def main() -> None:
    given = os.environ.get("CHROMIUM", "")
    packages = [
        name
        for name, is_there in (("git", has_git()), ("chromium", bool(chromium.find(given))))
        if not is_there
    ]
    if given and "chromium" in packages:
        packages.remove("chromium")  # the one that was named is missing: another would not be used
    if packages and _can_use_apt():
        _say(f"Installing {' and '.join(packages)} with apt-get.")
        _run(["apt-get", "update", "-qq"], DEBIAN_SECONDS)
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], DEBIAN_SECONDS)
    if not given and not chromium.find():
        _say("Installing Playwright's own headless Chromium for this user.")
        _run([sys.executable, "-m", "playwright", "install", "chromium-headless-shell"], PLAYWRIGHT_SECONDS)
    for said in missing(given):
        _say(said)


def missing(given: str = "") -> list[str]:
    """A sentence for each that is not there or does not work, with what that costs."""
    said = [] if has_git() else [WITHOUT_GIT]
    found = chromium.find(given)
    if not found:
        where = f"{given}, which CHROMIUM names, is not there" if given else "Chromium is missing"
        said.append(f"{where}: {WITHOUT_CHROMIUM} Install it, or set CHROMIUM to its path.")
    elif problem := trouble_of(found):
        said.append(f"{found} does not work ({problem}): {WITHOUT_CHROMIUM} Set CHROMIUM to one that does.")
    return said


def has_git() -> bool:
    return bool(shutil.which("git"))


def trouble_of(browser: str, seconds: float = TRIAL_SECONDS) -> str:
    """Why the browser cannot open a page; empty when it can."""
    arguments = [
        "--headless",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--dump-dom",
        "data:text/html,works",
    ]
    if os.geteuid() == 0:
        arguments.insert(0, "--no-sandbox")  # as root, Chromium refuses to run with its own sandbox
    try:
        done = _run([browser, *arguments], seconds)
    except OSError as error:
        return error.strerror or type(error).__name__
    if done is None:
        return f"it did not open an empty page within {seconds:.0f} s"
    if done.returncode < 0:
        return f"it crashed with signal {-done.returncode}"
    if done.returncode or b"works" not in done.stdout:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it ended with {done.returncode}"
    return ""


def _can_use_apt() -> bool:
    return os.geteuid() == 0 and bool(shutil.which("apt-get"))


def _run(command: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[bytes] | None":
    """Run to the end; None when it took too long and was ended, with what it had started."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _say(sentence: str) -> None:
    print(sentence[:1].upper() + sentence[1:], flush=True)  # noqa: T201  # a program's answer


if __name__ == "__main__":
    main()
