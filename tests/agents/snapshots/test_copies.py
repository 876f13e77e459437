"""Copies of databases under a writer, 200 times; and what happens in a sandbox that has no Python."""

import uuid

import pytest

from agents.sandbox.workspace import Workspace
from agents.snapshots.copies import PROGRAM, RUN, Listing, copy_files, list_with_databases
from agents.snapshots.transfer import remove_scratch
from tests.agents.snapshots.databases import rows_of, write_without_end

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

COPIES = 100  # for each mode
# Arguments: the script that runs the copier, the copier. Copies again and again, and prints before and after
# each copy how much is committed.
COPY_OFTEN = rf"""
cd "$HOME/app" || exit 1
for n in {{1..{COPIES}}}; do
  printf '%s\0' f 644 1 "$(stat -c %s app.db)" "" app.db > "../.cofounder/snapshots/n$n.found"
  before=$(wc -l < committed)
  bash -c "$1" cofounder "$2" databases "n$n" || exit 1
  echo "$before $(wc -l < committed)"
done
"""


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_each_of_a_hundred_copies_under_a_writer_is_whole_and_holds_what_was_committed(
    workspace: Workspace, mode: str
) -> None:
    await write_without_end(workspace, "app.db", mode, pause=0.005)
    said = await workspace.script(COPY_OFTEN, RUN, PROGRAM)
    limits = [tuple(map(int, line.split())) for line in said.splitlines()]
    paths = [f"../.cofounder/snapshots/n{n + 1}.copies/app.db" for n in range(COPIES)]
    rows = await rows_of(workspace, *paths)
    assert len(rows) == len(limits) == COPIES
    assert all(low <= held <= high + 1 for held, (low, high) in zip(rows, limits, strict=True))
    assert rows[-1] > rows[0] + COPIES  # it went on writing


HIDE_PYTHON = r"""
mkdir -p "$HOME/bin"
printf '%s\n' '#!/bin/bash' 'exit 1' > "$HOME/bin/python3"
chmod +x "$HOME/bin/python3"
echo 'PATH=$HOME/bin:$PATH' >> "$HOME/.profile"
"""


@pytest.fixture
async def bare(workspace: Workspace) -> Workspace:
    """A sandbox whose Python does not work."""
    await workspace.script(HIDE_PYTHON)
    assert (await workspace.run("python3 -c 1")).exit_code == 1
    return workspace


def found(listing: Listing) -> dict[str, str]:
    return {file.path: file.copied for file in listing.files}


async def test_without_python_files_are_copied_all_the_same(bare: Workspace) -> None:
    name = uuid.uuid4().hex
    await bare.run(r"mkdir -p 'a b'; echo 1 > 'a b/c'; printf 22 > $'new\nline'; echo 3 > still")
    listing = await list_with_databases(bare, name)
    listing = await copy_files(bare, name, listing, {"a b/c", "new\nline", "gone"})
    assert found(listing) == {"a b/c": "alone", "new\nline": "alone", "still": ""}
    assert {file.path: file.size for file in listing.files} == {"a b/c": 2, "new\nline": 2, "still": 2}
    assert await bare.script('cat ".cofounder/snapshots/$1.copies/a b/c"', name) == "1\n"
    await remove_scratch(bare, name)
    assert await bare.script("ls .cofounder/snapshots") == ""


async def test_both_ways_of_copying_tell_the_same(workspace: Workspace) -> None:
    await workspace.run("mkdir -p d; echo 1 > d/a; chmod 600 d/a; echo 2 > b; : > empty; ln -s b link")
    told = []
    for hidden in ("", HIDE_PYTHON):
        await workspace.script(hidden)
        name = uuid.uuid4().hex
        listing = await list_with_databases(workspace, name)
        told.append(await copy_files(workspace, name, listing, {"d/a", "b", "empty", "missing"}))
    one, two = ([(f.path, f.size, f.sha256, f.mode, int(f.changed)) for f in each.files] for each in told)
    assert one == two
    assert told[0].copied == told[1].copied == {"d/a", "b", "empty"}


async def test_without_python_the_files_of_a_database_are_whole_together_or_not_at_all(
    bare: Workspace,
) -> None:
    name = uuid.uuid4().hex
    await bare.run("echo 1 > a.db; truncate -s 100M a.db-wal; echo 3 > b.db; truncate -s 100M b.db-wal")
    listing = await list_with_databases(bare, name)
    assert not listing.tells_databases
    writing = "for n in 1 2 3; do (while :; do echo 4 >> a.db-wal; done) & done; wait"
    busy = await bare.run(writing, background=True)
    await bare.run("until [ $(stat -c %s a.db-wal) -gt 104857600 ]; do sleep 0.02; done")
    listing = await copy_files(bare, name, listing, {"a.db", "b.db-wal"})
    await bare.end_group(busy.group)
    assert found(listing) == {"a.db": "as_read", "a.db-wal": "as_read", "b.db": "alone", "b.db-wal": "alone"}
