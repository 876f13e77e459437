"""Who may read what an install keeps on its disk."""

import os
import stat
from pathlib import Path

from cofounder.install.private_files import close_to_others


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    for name in ("logs", "media", "postgres"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
    for path in (tmp_path / "logs" / "web.log", tmp_path / "redis.log"):
        path.touch()
        path.chmod(0o644)
    close_to_others(tmp_path)
    assert mode(tmp_path) == (0o711 if os.geteuid() == 0 else 0o700)
    assert [mode(tmp_path / name) for name in ("logs", "media", "postgres")] == [0o700, 0o700, 0o755]
    assert mode(tmp_path / "logs" / "web.log") == mode(tmp_path / "redis.log") == 0o600


def test_a_link_does_not_lead_out_of_the_directory(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.touch()
    outside.chmod(0o644)
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "link").symlink_to(outside)
    close_to_others(data_dir)
    assert mode(outside) == 0o644
