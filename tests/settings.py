"""The product's own settings, read from an environment made for the tests."""

import os
from pathlib import Path

from cryptography.fernet import Fernet

_repository = Path(__file__).resolve().parent.parent
_worker = os.environ.get("PYTEST_XDIST_WORKER", "")  # each process of a parallel run has its own services
_data = Path(os.environ.get("DATA_DIR") or _repository / ".cofounder") / f"tests{_worker}"
_data.mkdir(parents=True, exist_ok=True)

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
