"""The key that guards the local sandboxes: made at the first start and kept in the data directory."""

import os
import secrets
from pathlib import Path

FILE = "key"


def path_of(data_dir: Path) -> Path:
    return data_dir / FILE


def kept_key(data_dir: Path) -> str:
    """The key, made if there is none yet; only the server's user can read its file."""
    path = path_of(data_dir)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{FILE}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(f"local_{secrets.token_hex(24)}")
        draft.replace(path)
    return path.read_text().strip()
