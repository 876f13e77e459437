import pytest

from rehearsal.e2b_api.limits import GIB, MIB, BadLimit, Limits


def test_nothing_set_is_a_small_machine_without_network() -> None:
    assert Limits.of({}) == Limits(memory=2 * GIB, disk=5 * GIB, processes=512, network=False)
    assert Limits.of({"LOCAL_SANDBOX_MEMORY_MB": "", "LOCAL_SANDBOX_NETWORK": ""}) == Limits()


def test_what_is_set_counts() -> None:
    environ = {
        "LOCAL_SANDBOX_MEMORY_MB": "512",
        "LOCAL_SANDBOX_DISK_MB": "100",
        "LOCAL_SANDBOX_PROCESSES": "64",
        "LOCAL_SANDBOX_NETWORK": "public",
    }
    assert Limits.of(environ) == Limits(512 * MIB, 100 * MIB, 64, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOCAL_SANDBOX_MEMORY_MB", "127"),
        ("LOCAL_SANDBOX_MEMORY_MB", "much"),
        ("LOCAL_SANDBOX_MEMORY_MB", "²"),
        ("LOCAL_SANDBOX_DISK_MB", "-1"),
        ("LOCAL_SANDBOX_PROCESSES", "1.5"),
        ("LOCAL_SANDBOX_NETWORK", "yes"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(BadLimit, match=rf"{name} is '{value}'"):
        Limits.of({name: value})


def test_no_single_file_is_larger_than_the_disk() -> None:
    assert Limits(disk=100 * MIB).rlimits()["RLIMIT_FSIZE"] == 100 * MIB
    assert Limits().rlimits()["RLIMIT_DATA"] == 2 * GIB
