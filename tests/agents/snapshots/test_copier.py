"""The program that copies, as it runs in a sandbox: on files of this machine, in a process of its own."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agents.snapshots import copier
from tests.agents.snapshots.databases import TEAR

Report = dict[str, copier.Copied]


class Home:
    """A home directory as in a sandbox."""

    def __init__(self, path: Path) -> None:
        self.app = path / "app"
        self.made = path / ".cofounder" / "snapshots"
        self._home = path
        self.app.mkdir(parents=True)
        self.made.mkdir(parents=True)

    def copy(self, what: str, *paths: str) -> Report:
        """Copy these files, and read the report."""
        size = {path: str((self.app / path).lstat().st_size) for path in paths if what == "databases"}
        listed = ("\0".join(("f", "644", "1", size[path], "", path, "")) for path in size)
        names = (f"{path}\0" for path in paths)
        (self.made / "n.found").write_text("".join(listed))
        (self.made / "n.tocopy").write_text("".join(names))
        command = [sys.executable, "-I", "-c", Path(copier.__file__).read_text(), what, "n"]
        subprocess.run(command, env={"HOME": str(self._home)}, check=True)
        fields = (self.made / "n.report").read_bytes().split(b"\0")[:-1]
        rows = [fields[at : at + 6] for at in range(0, len(fields), 6)]
        return {
            path.decode(): copier.Copied(
                outcome.decode(), path, int(mode, 8), round(float(changed)), int(size), sha256.decode()
            )
            for outcome, mode, changed, size, sha256, path in rows
        }

    def copied(self, path: str) -> Path:
        return self.made / "n.copies" / path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def make(path: Path, mode: str = "delete", rows: int = 500) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"PRAGMA journal_mode = {mode}")
    database.execute("CREATE TABLE t (n INTEGER, text TEXT)")
    database.execute("BEGIN")
    database.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 100) for n in range(rows)])
    database.execute("COMMIT")
    return database


def count(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        [[rows]] = database.execute("SELECT count(*) FROM t")
        return int(rows)


def crash(program: str, path: Path) -> None:
    """Run a program that ends like a process that is killed."""
    code = "import os, sqlite3, sys\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    code += program + "\nos.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9


@contextmanager
def running(program: str, cwd: Path) -> Iterator[None]:
    """A program that runs meanwhile, from when it has made the file `begun`."""
    process = subprocess.Popen([sys.executable, "-c", program], cwd=cwd)
    deadline = time.monotonic() + 20
    while not (cwd / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("mode", ["wal", "delete", "truncate", "persist"])
def test_copies_of_the_same_content_are_the_same_and_so_is_a_copy_of_a_copy(home: Home, mode: str) -> None:
    database = make(home.app / "a.db", mode)
    first = home.copy("databases", "a.db")["a.db"]
    database.close()
    assert home.copy("databases", "a.db")["a.db"].sha256 == first.sha256
    shutil.copy(home.copied("a.db"), home.app / "b.db")
    again = home.copy("databases", "b.db")["b.db"]
    assert (again.outcome, again.size, again.sha256) == (copier.WHOLE, first.size, first.sha256)
    assert hashlib.sha256(home.copied("b.db").read_bytes()).hexdigest() == again.sha256
    assert count(home.copied("b.db")) == 500


def test_the_time_is_that_of_the_last_commit_also_where_only_the_log_has_it(home: Home) -> None:
    with closing(make(home.app / "a.db", "wal")) as database:
        database.execute("PRAGMA wal_checkpoint")
        os.utime(home.app / "a.db")
        time.sleep(1.1)
        database.execute("INSERT INTO t VALUES (1, 'new')")
        changed = home.copy("databases", "a.db")["a.db"].changed
        assert changed > round((home.app / "a.db").stat().st_ctime)


def test_a_copy_has_the_mode_of_its_file_and_nothing_lies_beside_it(home: Home) -> None:
    make(home.app / "a.db", "wal").close()
    (home.app / "a.db").chmod(0o640)
    assert home.copy("databases", "a.db")["a.db"].mode == 0o640
    assert home.copied("a.db").stat().st_mode & 0o777 == 0o640
    assert os.listdir(home.copied("")) == ["a.db"]  # noqa: PTH208
    assert os.listdir(home.app) == ["a.db"]  # noqa: PTH208


CRASHES: dict[str, tuple[str, str, int]] = {
    "with a log": ("wal", "d.execute('DELETE FROM t WHERE n < 100')", 400),
    "with a journal to roll back": (
        "delete",
        "d.execute('PRAGMA cache_size = 1'); d.execute('BEGIN'); d.execute('UPDATE t SET text = 1')",
        500,
    ),
    "within a transaction in the log": (
        "wal",
        "d.execute('PRAGMA cache_size = 1'); d.execute('BEGIN'); d.execute('DELETE FROM t')",
        500,
    ),
}


@pytest.mark.parametrize("name", CRASHES)
def test_what_a_crash_left_is_copied_as_it_was_committed(home: Home, name: str) -> None:
    mode, program, rows = CRASHES[name]
    path = home.app / "a.db"
    make(path, mode).close()
    crash(program, path)
    beside = [file.name for file in home.app.iterdir() if file.name != "a.db"]
    assert beside
    before = {file: file.read_bytes() for file in home.app.iterdir() if not file.name.endswith("-shm")}
    report = home.copy("databases", "a.db", *beside)
    assert report["a.db"].outcome == copier.WHOLE
    assert {report[name].outcome for name in beside} == {copier.BESIDE}
    assert count(home.copied("a.db")) == rows
    assert {file: file.read_bytes() for file in before} == before  # it is only read


LOCK = """
import sqlite3, time
d = sqlite3.connect("a.db", isolation_level=None)
d.execute("PRAGMA locking_mode = EXCLUSIVE")
d.execute("BEGIN EXCLUSIVE")
n = 0
while True:
    n += 1
    d.execute("INSERT INTO t VALUES (?, 'x')", (n,))
    if WRITES:
        d.execute("COMMIT"); d.execute("BEGIN EXCLUSIVE")
    open("begun", "w").close()
    time.sleep(0.001 if WRITES else 600)
"""


def test_one_that_is_locked_and_written_for_long_is_told_as_busy(home: Home) -> None:
    with closing(make(home.app / "a.db")) as database:
        database.execute("INSERT INTO t VALUES (-1, zeroblob(60000000))")  # it takes a while to copy
    with running(LOCK.replace("WRITES", "True"), home.app):
        report = home.copy("databases", "a.db")
    assert report["a.db"].outcome == copier.BUSY
    assert hashlib.sha256(home.copied("a.db").read_bytes()).hexdigest() == report["a.db"].sha256


def test_one_that_is_locked_for_long_and_not_written_is_copied(home: Home) -> None:
    make(home.app / "a.db").close()
    with running(LOCK.replace("WRITES", "False"), home.app):
        assert home.copy("databases", "a.db")["a.db"].outcome == copier.WHOLE
    assert count(home.copied("a.db")) == 500


def damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def cut(path: Path) -> None:
    os.truncate(path, 8192)


def fake(path: Path) -> None:
    path.write_bytes(copier.HEADER + b"something else " * 100)


@pytest.mark.parametrize("spoil", [damage, cut, fake])
def test_a_damaged_one_and_what_only_begins_like_one_are_told_and_not_copied(
    home: Home, spoil: Callable[[Path], None]
) -> None:
    make(home.app / "a.db").close()
    spoil(home.app / "a.db")
    assert home.copy("databases", "a.db")["a.db"].outcome == copier.DAMAGED
    assert not home.copied("a.db").exists()


def test_rows_that_break_a_rule_of_their_table_are_no_damage(home: Home) -> None:
    with closing(sqlite3.connect(home.app / "a.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE t (n INTEGER CHECK (n > 0))")
        database.execute("PRAGMA ignore_check_constraints = on")
        database.execute("INSERT INTO t VALUES (-1)")
        database.execute("PRAGMA ignore_check_constraints = off")
        assert database.execute("PRAGMA quick_check").fetchall() != [("ok",)]
    assert home.copy("databases", "a.db")["a.db"].outcome == copier.WHOLE


def test_databases_are_told_by_their_content(home: Home) -> None:
    make(home.app / "sessions").close()
    (home.app / "text.db").write_text("no database" * 100)
    (home.app / "link.db").symlink_to("sessions")
    (home.app / "small.db").write_bytes(copier.HEADER)
    assert home.copy("databases", "sessions", "text.db", "small.db").keys() == {"sessions"}


# Other files


def test_a_file_that_only_grows_is_copied_as_it_was(home: Home) -> None:
    grow = "open('begun', 'w')\nwhile True:\n with open('a', 'a') as f: f.write('line\\n')"
    with running(grow, home.app):
        for _ in range(5):
            assert home.copy("files", "a")["a"].outcome == copier.WHOLE
            content = home.copied("a").read_text()
            assert content == "line\n" * (len(content) // 5)


def test_a_file_written_anew_all_the_time_is_copied_with_its_content(home: Home) -> None:
    write = "open('begun', 'w')\nimport time\nwhile True:\n"
    write += " with open('a', 'w') as f: f.write('x' * 5000)\n time.sleep(0.002)"
    (home.app / "a").write_text("x")
    with running(write, home.app):
        for _ in range(5):
            assert home.copy("files", "a")["a"].outcome == copier.WHOLE
            assert home.copied("a").read_text() == "x" * 5000


def test_a_file_that_is_replaced_all_the_time_is_copied(home: Home) -> None:
    write = "open('begun', 'w')\nimport os\nwhile True:\n"
    write += " with open('b', 'w') as f: f.write('x' * 5000)\n os.unlink('a') if os.path.exists('a') else 0\n"
    write += " os.rename('b', 'a')"
    (home.app / "a").write_text("x")
    with running(write, home.app):
        for _ in range(5):
            assert home.copy("files", "a")["a"].outcome == copier.WHOLE
            assert home.copied("a").read_text() == "x" * 5000


def test_a_file_that_is_never_still_is_told_as_read(home: Home) -> None:
    (home.app / "large").touch()
    os.truncate(home.app / "large", 80_000_000)
    with running(TEAR, home.app):
        report = home.copy("files", "large")
    assert report["large"].outcome == copier.AS_READ
    assert hashlib.sha256(home.copied("large").read_bytes()).hexdigest() == report["large"].sha256


def test_what_is_no_file_any_more_is_gone(home: Home) -> None:
    (home.app / "dir").mkdir()
    (home.app / "empty").touch()
    (home.app / "link").symlink_to("empty")
    os.mkfifo(home.app / "pipe")
    report = home.copy("files", "dir", "link", "pipe", "missing", "empty")
    gone = dict.fromkeys(("dir", "link", "pipe", "missing"), copier.GONE)
    assert {path: copied.outcome for path, copied in report.items()} == {**gone, "empty": copier.WHOLE}
