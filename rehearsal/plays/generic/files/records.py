"""What is on the lists, in one file that survives a restart; which lists there are says plan.json."""

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("DATA_DIR", "data"))
SCHEMA = """
create table if not exists entries(
  id integer primary key, list text not null, fields text not null, state text not null default '');
create index if not exists entries_by_list on entries(list);
"""


@dataclass(frozen=True)
class Entry:
    id: int
    values: dict
    state: str


@contextmanager
def database():
    """A connection whose changes are kept together or not at all."""
    DATA.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(DATA / "records.sqlite3", timeout=10)) as db, db:
        db.executescript(SCHEMA)
        yield db


def plan():
    return json.loads((HERE / "plan.json").read_text(encoding="utf-8"))


def entries(which, order="newest_first", **wanted):
    """The entries of a list; `wanted` are the values that some fields must have."""
    with database() as db:
        rows = db.execute(
            "select id, fields, state from entries where list = ? order by id desc", (which["one"],)
        ).fetchall()
    found = [entry(which, *row) for row in rows]
    if order == "by_name":
        found.sort(key=lambda each: each.values.get(which["heading"], "").casefold())
    return [each for each in found if all(each.values.get(name, "") == value for name, value in wanted.items())]


def entry(which, number, fields, state):
    """An entry as its list is today: its state is one that the list knows."""
    states = which["states"]
    return Entry(number, json.loads(fields), state if state in states else next(iter(states), ""))


def add(which, values):
    with database() as db:
        db.execute("insert into entries(list, fields) values (?, ?)", (which["one"], json.dumps(values)))


def set_state(number, state):
    with database() as db:
        db.execute("update entries set state = ? where id = ?", (state, number))


def remove(number):
    with database() as db:
        db.execute("delete from entries where id = ?", (number,))
