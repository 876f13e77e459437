"""One list for each promise: its entries, in one file that survives a restart."""

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

DATA = Path(os.environ.get("DATA_DIR", "data"))
WISHES = json.loads((Path(__file__).resolve().parent / "wishes.json").read_text(encoding="utf-8"))
PROMISES = WISHES["promises"]
LONGEST_TITLE = 160

SCHEMA = """
create table if not exists entries(
  id integer primary key, list integer not null, what text not null, note text not null,
  done integer not null default 0, made text not null default current_timestamp);
create index if not exists by_list on entries(list);
"""


@contextmanager
def database():
    """A connection whose changes are kept together or not at all."""
    DATA.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(DATA / "lists.sqlite3", timeout=10)) as db:
        db.row_factory = sqlite3.Row
        with db:
            yield db


def set_up():
    with database() as db:
        db.executescript(SCHEMA)


def titles():
    """What each list is called: its promise, or one plain list where nothing was promised."""
    wanted = [" ".join(promise.split()) or f"List {n}" for n, promise in enumerate(PROMISES, 1)]
    return [shortened(each) for each in wanted or ["Notes"]]


def shortened(words):
    return words if len(words) <= LONGEST_TITLE else words[: LONGEST_TITLE - 1] + "…"


def entries(number):
    """Open entries first, the newest at the top."""
    with database() as db:
        return db.execute("select * from entries where list = ? order by done, id desc", (number,)).fetchall()


def open_counts():
    with database() as db:
        rows = db.execute("select list, count(*) from entries where not done group by list").fetchall()
    return dict(tuple(row) for row in rows)


def add(number, what, note):
    with database() as db:
        db.execute("insert into entries(list, what, note) values (?, ?, ?)", (number, what, note))


def tick(entry):
    """Done becomes open again and the other way round."""
    with database() as db:
        db.execute("update entries set done = not done where id = ?", (entry,))


def remove(entry):
    with database() as db:
        db.execute("delete from entries where id = ?", (entry,))
