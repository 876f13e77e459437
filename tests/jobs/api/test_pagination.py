import pytest

from jobs.api.pagination import as_number


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("42", 42), ("9" * 18, 10**18 - 1)])
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert as_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "1.5", "one", " 1", "٣", "9" * 19])
def test_everything_else_is_no_number(text: str) -> None:
    assert as_number(text) is None
