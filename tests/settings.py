"""The product's own settings, read from an environment made for the tests."""

import fcntl
import os
from pathlib import Path

from cryptography.fernet import Fernet


def _own_place(parent: Path) -> Path:
    """A directory that no other living process of any test run has: it is locked until this one ends.

    Each process of a parallel run has its own services. A killed one lets go of its directory, and the next
    takes over what it left there.
    """
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        lock = os.open(parent / f"tests{number}.lock", os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            os.close(lock)
            number += 1
    place = parent / f"tests{number}"
    place.mkdir(exist_ok=True)
    return place


_repository = Path(__file__).resolve().parent.parent
_data = _own_place(Path(os.environ.get("DATA_DIR") or _repository / ".cofounder"))

for _name in [name for name in os.environ if name.startswith(("ANTHROPIC_", "E2B_", "AWS_"))]:
    del os.environ[_name]  # no test ever reaches a real provider
os.environ.update(
    DATA_DIR=str(_data),
    SECRET_KEY="only-for-the-tests-" + "x" * 40,
    FIELD_ENCRYPTION_KEYS=Fernet.generate_key().decode(),
    DEBUG="true",  # the clock may be moved
    BASE_URL="http://localhost:8000",
    MAX_DAILY_SPEND="0",  # tests that are about the cap set it
)

from cofounder.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # for speed; nothing here is secret
