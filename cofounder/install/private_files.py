"""The modes of the files in the data directory: only the user who runs the install may read them."""

import os
from pathlib import Path

UMASK = 0o077  # of the processes that write there
FOLDERS = ("logs", "mails", "media", "rehearsal", "run", "snapshots")


def close_to_others(data_dir: Path) -> None:
    """Take the rights of others away, also from what an earlier version has left.

    Started by root, PostgreSQL runs as a user of its own, who has to pass through to its folder.
    """
    data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in FOLDERS:
        if (folder := data_dir / name).is_dir():
            folder.chmod(0o700)
    for path in (*data_dir.iterdir(), *(data_dir / "logs").glob("*")):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
