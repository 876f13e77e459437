"""The order of a parallel run, and a place of its own for each run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import dealt

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("hands", [1, 2, 3, 5])
@pytest.mark.parametrize(("long", "others"), [(0, 0), (7, 100), (3, 1), (0, 11), (10, 0)])
def test_every_process_begins_with_its_share_of_the_long_tests(hands: int, long: int, others: int) -> None:
    slow, quick = [f"long {n}" for n in range(long)], [f"quick {n}" for n in range(others)]
    order, total = dealt(slow, quick, hands), hands
    assert sorted(order) == sorted([*slow, *quick])
    if others >= hands * long:
        while hands:  # as xdist divides the list
            share = len(order) // hands
            own, order = order[:share], order[share:]
            count = sum(name.startswith("long") for name in own)
            assert all(name.startswith("long") for name in own[:count])
            assert long // total <= count <= -(-long // total)
            hands -= 1


def test_two_runs_in_one_folder_have_places_of_their_own_and_a_killed_one_leaves_its_place(
    tmp_path: Path,
) -> None:
    code = "import os, tests.settings; print(os.environ['DATA_DIR'], flush=True); input()"
    env = {**os.environ, "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code]

    def begin() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def place_of(run: "subprocess.Popen[str]") -> str:
        assert run.stdout is not None
        return run.stdout.readline().strip()

    first, second = begin(), begin()
    try:
        places = {place_of(first), place_of(second)}
        assert places == {str(tmp_path / "tests1"), str(tmp_path / "tests2")}
        first.kill()
        first.wait()
        third = begin()
        try:
            assert place_of(third) in places
        finally:
            third.kill()
            third.communicate()
    finally:
        for run in (first, second):
            run.kill()
            run.communicate()
