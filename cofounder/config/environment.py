"""Reads and checks the environment: every bad value stops the start with a clear message."""

import errno
import os
import secrets
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from cofounder.config.local_sockets import postgres_socket_dir, redis_socket

BASE_DIR = Path(__file__).resolve().parent.parent.parent
KEYS_FILE = "keys.env"

env: Any = environ.Env()


class BadSetting(ImproperlyConfigured):
    """A setting has a value that cannot be used."""


def data_dir() -> Path:
    """Where the embedded services, kept keys and local files live (`DATA_DIR`, by default `.cofounder/`)."""
    return Path(os.environ.get("DATA_DIR") or BASE_DIR / ".cofounder").absolute()


def ready_data_dir() -> Path:
    """The data directory, created if missing and checked to be writable."""
    directory = data_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fix = "Make room there" if is_full else "Give this user the right to write there"
        raise BadSetting(
            f"The data directory {directory} is not writable ({error.strerror}). "
            f"{fix}, or set DATA_DIR to another directory."
        ) from error
    return directory


def make_missing_keys() -> None:
    """Keep a SECRET_KEY and an encryption key in the data directory, if the environment has none."""
    made = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    kept = _kept_keys(data_dir() / KEYS_FILE)
    missing = {name: value for name, value in made.items() if not os.environ.get(name) and name not in kept}
    if missing:
        path = ready_data_dir() / KEYS_FILE
        lines = [f"{name}={value}\n" for name, value in {**kept, **missing}.items()]
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            draft.touch(mode=0o600)
            draft.write_text("".join(lines))
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise BadSetting(
                f"The keys could not be kept in {path} ({error.strerror}). "
                "Make room there, or set DATA_DIR to another directory."
            ) from error


def _kept_keys(path: Path) -> dict[str, str]:
    try:
        kept = path.read_text()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadSetting(
            f"The data directory {path.parent} cannot be used: {path.name} cannot be read "
            f"({error.strerror}). Run this as the user who made it, or set DATA_DIR to another directory."
        ) from error
    return dict(line.split("=", 1) for line in kept.splitlines() if "=" in line)


def key(name: str) -> str:
    """A secret from the environment, or the one `manage.py up` keeps in the data directory."""
    value = os.environ.get(name) or _kept_keys(data_dir() / KEYS_FILE).get(name)
    if not value:
        raise BadSetting(
            f"{name} is not set. Set it in the environment; `manage.py up` makes and keeps one for local use."
        )
    return value


def _read(name: str, read: Callable[[], Any], expected: str) -> Any:
    try:
        return read()
    except (ValueError, ImproperlyConfigured) as error:
        given = os.environ.get(name, "")
        raise BadSetting(f"{name} is {given!r}, but must be {expected}.") from error


def boolean(name: str, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    words = {
        "": default,
        **dict.fromkeys(("1", "true", "yes", "on"), True),
        **dict.fromkeys(("0", "false", "no", "off"), False),
    }
    if value not in words:
        raise BadSetting(f"{name} is {value!r}, but must be true or false.")
    return words[value]


def rehearsed_model(base_url: str) -> bool:
    """Whether a script stands in for the model; a promise may then stay unjudged. Never for a real model."""
    is_rehearsed = boolean("REHEARSED_MODEL", False)
    if is_rehearsed and urlsplit(base_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        raise BadSetting(
            "REHEARSED_MODEL is true, but ANTHROPIC_BASE_URL is no rehearsal server on this machine. "
            "Unset REHEARSED_MODEL: `manage.py up` sets it for its own."
        )
    return is_rehearsed


def number(name: str, default: int, *, least: int = 0, most: int = 10**12) -> int:
    value: int = _read(name, lambda: int(text(name, str(default))), "a whole number")
    if not least <= value <= most:
        raise BadSetting(f"{name} is {value}, but must lie between {least} and {most}.")
    return value


def text(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    given = [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]
    return given or default


def url(name: str, default: str = "", *, schemes: tuple[str, ...] = ("http", "https")) -> str:
    value = text(name, default)
    if not value:
        return value
    parts = _read(name, lambda: urlsplit(value), "an address")
    if parts.scheme not in schemes:
        expected = " or ".join(f"{scheme}://" for scheme in schemes)
        raise BadSetting(f"{name} must be an address that begins with {expected}.")
    return value


def encryption_keys() -> list[str]:
    """Fernet keys, newest first; the first encrypts, all decrypt."""
    keys = [part.strip() for part in key("FIELD_ENCRYPTION_KEYS").split(",") if part.strip()]
    for position, candidate in enumerate(keys, start=1):
        expected = f"a list of Fernet keys (entry {position} is not one)"
        _read("FIELD_ENCRYPTION_KEYS", partial(Fernet, candidate), expected)
    return keys


def database() -> dict[str, Any]:
    """Django's settings for the one database: `DATABASE_URL`, else the embedded PostgreSQL."""
    if os.environ.get("DATABASE_URL"):
        url("DATABASE_URL", schemes=("postgres", "postgresql"))
        given: dict[str, Any] = _read("DATABASE_URL", lambda: env.db("DATABASE_URL"), "a PostgreSQL address")
        given["ENGINE"] = "django.db.backends.postgresql"
        return given
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "cofounder",
        "USER": "postgres",
        "HOST": str(postgres_socket_dir(data_dir())),
    }


def email() -> dict[str, Any]:
    """Django's settings for sending mail: `EMAIL_URL`, else files in the data directory."""
    given = text("EMAIL_URL")
    if not given:
        return {
            "EMAIL_BACKEND": "cofounder.config.mail_files.EmailBackend",
            "EMAIL_FILE_PATH": str(data_dir() / "mails"),
        }
    expected = "an address such as smtp+tls://user:password@host:587"
    config: dict[str, Any] = _read("EMAIL_URL", lambda: environ.Env.email_url_config(given), expected)
    if ".console." in config["EMAIL_BACKEND"]:
        raise BadSetting(
            "EMAIL_URL would write mails to the log, and with them links that sign in. Leave it empty: "
            f"mails are then files in {data_dir() / 'mails'}."
        )
    return config


def redis_url() -> str:
    """`REDIS_URL`, else the socket of the embedded Redis."""
    given = url("REDIS_URL", schemes=("redis", "rediss", "unix"))
    if given:
        return given
    return f"unix://{redis_socket(data_dir())}"


def is_loopback(address: str) -> bool:
    """Whether a site's address is one that only this machine itself can open."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_embedded(name: str) -> bool:
    """Whether we start the service ourselves, because `name` (`DATABASE_URL` or `REDIS_URL`) is not set."""
    return not os.environ.get(name)
