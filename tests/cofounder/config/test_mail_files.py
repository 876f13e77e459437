"""Mails of an install without a mail server."""

import stat
from pathlib import Path

import pytest
from django.core.mail import EmailMessage, get_connection

from cofounder.config import environment
from cofounder.config.environment import BadSetting


def test_they_lie_where_only_their_user_reads(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    connection = get_connection("cofounder.config.mail_files.EmailBackend", file_path=folder, timeout=10)
    EmailMessage("Hello", "https://x/enter/secret", to=["a@example.com"], connection=connection).send()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "enter/secret" in next(folder.iterdir()).read_text()


def test_they_are_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("EMAIL_URL", raising=False)
    assert environment.email() == {
        "EMAIL_BACKEND": "cofounder.config.mail_files.EmailBackend",
        "EMAIL_FILE_PATH": str(tmp_path / "mails"),
    }


def test_no_mail_goes_to_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "consolemail://")
    with pytest.raises(BadSetting, match="EMAIL_URL would write mails to the log"):
        environment.email()
