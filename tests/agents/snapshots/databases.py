"""Programs that the tests run in a sandbox: they write to databases and files without end."""

from agents.sandbox.workspace import Workspace
from tests.agents.sandbox.test_workspace import until

# Arguments: the database, its journal mode, seconds between two commits, the locking mode. Each number is
# written to two tables in one transaction, and to a file of what is committed afterwards.
WRITER = """
import sqlite3, sys, time
path, mode, pause, locking = sys.argv[1:]
database = sqlite3.connect(path, isolation_level=None, timeout=60)
database.execute("PRAGMA locking_mode = " + locking)
database.execute("PRAGMA journal_mode = " + mode)
for table in ("one", "two"):
    database.execute(f"CREATE TABLE IF NOT EXISTS {table} (n INTEGER PRIMARY KEY, text TEXT)")
n = database.execute("SELECT coalesce(max(n), 0) FROM one").fetchone()[0]
while True:
    n += 1
    database.execute("BEGIN IMMEDIATE")
    for table in ("one", "two"):
        database.execute(f"INSERT INTO {table} VALUES (?, ?)", (n, "x" * 200))
    database.execute("COMMIT")
    with open("committed", "a") as committed:
        print(n, file=committed)
    time.sleep(float(pause))
"""
# Arguments: databases. Prints for each how many numbers it holds, if it is whole and none of them is missing.
WITNESS = """
import sqlite3, sys
for path in sys.argv[1:]:
    database = sqlite3.connect(path)
    [[said]] = database.execute("PRAGMA integrity_check").fetchall()
    assert said == "ok", (path, said)
    one, two = ([n for [n] in database.execute(f"SELECT n FROM {t} ORDER BY n")] for t in ("one", "two"))
    assert one == two == list(range(1, len(one) + 1)), (path, len(one), len(two), one[-5:])
    print(len(one))
    database.close()
"""


async def write_without_end(
    workspace: Workspace, path: str, mode: str, *, pause: float = 0.01, locking: str = "NORMAL"
) -> str:
    """Start the writer, and wait for its first commits; returns the name of its process group."""
    await workspace.write("writer.py", WRITER.encode())
    before = await committed(workspace)
    started = await workspace.run(f"python3 writer.py {path} {mode} {pause} {locking}", background=True)

    async def commits() -> bool:
        return await committed(workspace) >= before + 5

    await until(commits)
    return started.group


async def committed(workspace: Workspace) -> int:
    return int(await workspace.script("cat app/committed 2> /dev/null | wc -l"))


async def rows_of(workspace: Workspace, *paths: str) -> list[int]:
    """How many numbers each of these databases holds; each must be whole."""
    said = await workspace.script('cd app; exec python3 -c "$@"', WITNESS, *paths)
    return [int(line) for line in said.split()]


# Four processes write single bytes to `large`, so that no two reads of it are ever the same.
# They end with the first of them.
TEAR = """
import os, random
first = os.getpid()
for _ in range(3):
    if os.fork() == 0:
        break
with open("large", "r+b", buffering=0) as file:
    size = os.fstat(file.fileno()).st_size
    open("begun", "w").close()
    while first in (os.getpid(), os.getppid()):
        file.seek(random.randrange(size))
        file.write(os.urandom(1))
"""


async def tear_without_end(workspace: Workspace) -> str:
    """Write to `large` all the time; returns the name of the process group."""
    await workspace.write("tear.py", TEAR.encode())
    started = await workspace.run("rm -f begun; exec python3 tear.py", background=True)
    await workspace.run("until [ -e begun ]; do sleep 0.02; done")
    return started.group
