import stat
from pathlib import Path

from rehearsal.e2b_api.key import kept_key, path_of


def test_a_key_is_made_once_and_belongs_to_its_user(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "new")
    assert len(key) > 40
    assert kept_key(tmp_path / "new") == key
    assert stat.S_IMODE(path_of(tmp_path / "new").stat().st_mode) == 0o600


def test_each_directory_has_its_own(tmp_path: Path) -> None:
    assert kept_key(tmp_path / "one") != kept_key(tmp_path / "two")
