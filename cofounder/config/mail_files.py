"""Mails as files that only their user can read, for an install without a mail server.

They hold links that sign in or set a password: a log, which many may read, is no place for them.
"""

from pathlib import Path
from typing import Any

from django.core.mail.backends import filebased


class EmailBackend(filebased.EmailBackend):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        Path(self.file_path).chmod(0o700)
