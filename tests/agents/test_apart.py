from pathlib import Path

import pytest

from agents import apart as module
from agents.apart import NotFinished, apart


def program(folder: Path, text: str) -> Path:
    path = folder / "program.py"
    path.write_text(text)
    return path


async def test_it_gets_its_input_and_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    path = program(
        tmp_path, "import os, sys\nprint(sys.stdin.read(), sys.argv[1], 'SECRET_KEY' in os.environ)"
    )
    assert await apart(path, "argument", given=b"given") == b"given argument False\n"


@pytest.mark.parametrize(
    "text", ["raise SystemExit(3)", "import time; time.sleep(60)", "import os; os.abort()"]
)
async def test_one_that_fails_or_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(module, "SECONDS", 1.0)
    with pytest.raises(NotFinished):
        await apart(program(tmp_path, text), given=b"")
