"""What the install leaves on its disk: no secret in a log, and nothing that other users can read."""

import stat
from pathlib import Path

from intrude.scene import Scene

SECRETS, MODES = "secrets in logs", "modes of files"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
LARGEST = 200_000_000  # bytes of a log that are read


def walk(scene: Scene) -> None:
    """After all other walks, so that their traces are there."""
    if scene.data_dir is None:
        scene.report.note("Logs and modes of files: the data directory is not on this machine (--data-dir).")
        return
    hidden = {**scene.things.secrets, **{f"{v.name}'s password": v.password for v in scene.people.made}}
    for log in _logs(scene.data_dir):
        text = _tail(log)
        for name, secret in hidden.items():
            is_in = secret.encode() in text
            scene.report.expect(SECRETS, not is_in, f"{log.relative_to(scene.data_dir)} holds {name}.")
    _modes(scene, scene.data_dir)


def _logs(folder: Path) -> list[Path]:
    """Mails are files of this name, too, and hold links on purpose."""
    return [path for path in folder.rglob("*.log*") if path.is_file() and path.parent != folder / "mails"]


def _tail(log: Path) -> bytes:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LARGEST))
        return file.read()


def _modes(scene: Scene, folder: Path) -> None:
    """Others may pass through the folder: PostgreSQL runs as another user where root starts it."""
    mode = folder.stat().st_mode
    scene.report.expect(
        MODES, not mode & (stat.S_IROTH | stat.S_IWOTH), f"Every user of the machine can list {folder}."
    )
    for path in folder.iterdir():
        if not path.is_symlink() and path.name in ("keys.env", "mails", "logs", "media", "snapshots"):
            is_private = not path.stat().st_mode & OTHERS
            scene.report.expect(MODES, is_private, f"Other users may read {path.relative_to(folder.parent)}.")
