from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from cofounder.config import environment
from cofounder.config.environment import BadSetting


@pytest.mark.parametrize("word", ["1", "true", "TRUE", " yes ", "on"])
def test_words_for_true_are_true(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("DEBUG", word)

    assert environment.boolean("DEBUG", False) is True


@pytest.mark.parametrize(
    ("name", "value", "read", "sentence"),
    [
        ("DEBUG", "maybe", lambda: environment.boolean("DEBUG", False), "must be true or false"),
        ("N", "many", lambda: environment.number("N", 1), "must be a whole number"),
        ("N", "0", lambda: environment.number("N", 1, least=1), "must lie between 1 and"),
        ("BASE_URL", "example.com", lambda: environment.url("BASE_URL"), "begins with http:// or https://"),
        ("BASE_URL", "http://[", lambda: environment.url("BASE_URL"), "must be an address"),
        ("DATABASE_URL", "mysql://a/b", environment.database, "begins with postgres://"),
        ("REDIS_URL", "nonsense", environment.redis_url, "begins with redis://"),
        ("EMAIL_URL", "nonsense", environment.email, "EMAIL_URL is 'nonsense'"),
        ("FIELD_ENCRYPTION_KEYS", "abc", environment.encryption_keys, "entry 1 is not one"),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, read: Any, sentence: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(BadSetting) as refusal:
        read()

    assert sentence in str(refusal.value)
    assert name in str(refusal.value)


@pytest.mark.parametrize(
    ("word", "address", "is_rehearsed"),
    [
        ("true", "http://127.0.0.1:8001", True),
        ("false", "http://127.0.0.1:8001", False),
        ("", "https://api.anthropic.com", False),
    ],
)
def test_only_a_model_of_this_machine_may_be_rehearsed(
    monkeypatch: pytest.MonkeyPatch, word: str, address: str, is_rehearsed: bool
) -> None:
    monkeypatch.setenv("REHEARSED_MODEL", word)

    assert environment.rehearsed_model(address) is is_rehearsed


def test_a_real_model_cannot_be_called_rehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REHEARSED_MODEL", "true")

    with pytest.raises(BadSetting, match="is no rehearsal server on this machine"):
        environment.rehearsed_model("https://api.anthropic.com")


@pytest.mark.parametrize(
    "read",
    [
        lambda: environment.boolean("UNSET", True) is True,
        lambda: environment.number("UNSET", 7) == 7,
        lambda: environment.url("UNSET", "http://localhost") == "http://localhost",
        lambda: environment.words("UNSET", ["a"]) == ["a"],
    ],
)
def test_an_empty_value_is_the_same_as_none(
    monkeypatch: pytest.MonkeyPatch, read: Callable[..., Any]
) -> None:
    monkeypatch.setenv("UNSET", "")

    assert read()


def test_a_missing_key_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("SECRET_KEY")

    with pytest.raises(BadSetting, match="SECRET_KEY is not set"):
        environment.key("SECRET_KEY")


def test_keys_are_made_once_and_kept_where_only_their_user_reads_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("SECRET_KEY")
    environment.make_missing_keys()
    first = environment.key("SECRET_KEY")

    environment.make_missing_keys()

    assert environment.key("SECRET_KEY") == first
    assert (tmp_path / "keys.env").stat().st_mode & 0o077 == 0


def test_keys_that_the_environment_holds_are_kept_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("SECRET_KEY", "s" * 50)
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", Fernet.generate_key().decode())

    environment.make_missing_keys()

    assert not (tmp_path / "none").exists()


def test_encryption_keys_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("FIELD_ENCRYPTION_KEYS", f" {keys[0]}, {keys[1]},")

    assert environment.encryption_keys() == keys


def test_a_data_directory_that_cannot_be_made_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "data"))

    with pytest.raises(BadSetting, match="is not writable"):
        environment.ready_data_dir()


@pytest.mark.parametrize(
    ("address", "is_ours_alone"),
    [
        ("http://localhost:8000", True),
        ("http://127.0.0.2", True),
        ("http://[::1]:80", True),
        ("http://app.localhost", True),
        ("https://cofounder.example.com", False),
        ("http://192.168.1.4:8000", False),
        ("http://localhost.example.com", False),
    ],
)
def test_an_address_that_others_can_open_is_known(address: str, is_ours_alone: bool) -> None:
    assert environment.is_loopback(address) is is_ours_alone
