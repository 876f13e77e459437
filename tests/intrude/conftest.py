"""The program, as an operator runs it, against a real daphne on the test database."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from escalations.models import AgentEscalation
from tests.browser.conftest import server_environment
from tests.builds import job, question, working_job
from tests.conftest import _make_user, give_second_factor

__all__ = ["job", "question", "working_job"]

PASSWORD = "correct horse battery"  # of `_make_user`
SECONDS = 240


@dataclass(frozen=True)
class Outcome:
    code: int
    said: str

    def tried(self, kind: str) -> int:
        """How often, of the printed table."""
        return next(
            (int(line.split()[0]) for line in self.said.splitlines() if line.endswith(f"  {kind}")), 0
        )


Attack = Callable[..., Outcome]


@pytest.fixture
def attack(question: AgentEscalation, tmp_path: Path) -> Attack:
    """Start the site with these settings, and let the program try to get in."""
    staff = _make_user("staff@example.com", is_staff=True)
    seed = give_second_factor(staff)
    data = tmp_path / "data"
    for folder in (data, data / "logs"):
        folder.mkdir(mode=0o700)

    def run(settings_module: str, *options: str) -> Outcome:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        environment = {
            **server_environment(),
            "DJANGO_SETTINGS_MODULE": settings_module,
            "DATA_DIR": str(data),
            "BASE_URL": url,
            "INTRUDE_VICTIM": f"{question.job.project.owner.email}:{PASSWORD}",
            "INTRUDE_STAFF": f"{staff.email}:{PASSWORD}:{seed}",
        }
        command = ["-m", "daphne", "-v", "0", "--fd", str(listener.fileno()), "cofounder.asgi:application"]
        log = os.open(data / "logs" / "web.log", os.O_CREAT | os.O_WRONLY, 0o600)
        site = subprocess.Popen(
            [sys.executable, *command],
            env=environment,
            stdout=log,
            stderr=log,
            cwd=settings.BASE_DIR,
            pass_fds=[listener.fileno()],
        )
        os.close(log)
        listener.close()
        try:
            done = subprocess.run(
                [sys.executable, "-m", "intrude", url, "--data-dir", data, "--quick", *options],
                env=environment,
                cwd=settings.BASE_DIR,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        finally:
            site.terminate()
            site.wait(30)
        return Outcome(done.returncode, done.stdout + done.stderr)

    return run
