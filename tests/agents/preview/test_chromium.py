from pathlib import Path

import pytest

from agents.preview import chromium


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any browser."""
    monkeypatch.setattr(chromium, "ON_PATH", ("chromium", "google-chrome"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    return tmp_path


def put(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return str(path)


def test_without_a_browser_there_is_no_path(machine: Path) -> None:
    assert chromium.find() == ""


def test_the_system_s_browser_comes_before_the_one_of_playwright(machine: Path) -> None:
    own = put(machine / "playwright" / "chromium_headless_shell-1" / "chrome-linux" / "headless_shell")
    assert chromium.find() == own

    system = put(machine / "bin" / "google-chrome")

    assert chromium.find() == system


def test_the_one_that_is_named_is_taken_and_no_other(machine: Path) -> None:
    put(machine / "bin" / "chromium")
    own = put(machine / "own")

    assert chromium.find(own) == own
    assert chromium.find(str(machine / "gone")) == ""


@pytest.mark.parametrize(
    "path",
    [
        "chromium_headless_shell-1187/chrome-linux/headless_shell",
        "chromium_headless_shell-1230/chrome-headless-shell-linux64/chrome-headless-shell",
        "chromium-1187/chrome-linux/chrome",
    ],
)
def test_every_shape_of_playwright_s_own_is_found(machine: Path, path: str) -> None:
    assert chromium.find() == ""
    assert put(machine / "playwright" / path) == chromium.find()
