"""What the warden counts; that it keeps the limits is shown by the tests of confinement."""

import os
from pathlib import Path

from rehearsal.e2b_api import warden


def test_files_are_counted_once_and_links_are_not_followed(tmp_path: Path) -> None:
    room, other = tmp_path / "room", tmp_path / "other"
    for folder in (room / "deep", other):
        folder.mkdir(parents=True)
    (room / "deep" / "file").write_bytes(b"x" * 2**20)
    (other / "large").write_bytes(b"x" * 2**23)
    alone = warden.files_of(room)
    assert 2**20 <= alone < 2**20 + 2**18
    os.link(room / "deep" / "file", room / "again")
    (room / "out").symlink_to(other)
    assert warden.files_of(room) < alone + 2**16


def test_a_folder_that_is_gone_takes_no_room(tmp_path: Path) -> None:
    assert warden.files_of(tmp_path / "gone") == 0


def test_every_process_of_the_machine_is_known_with_its_parent() -> None:
    assert warden.parents()[os.getpid()] == os.getppid()
