"""Every kind of trouble has a row that says what follows, and none ends a build."""

from datetime import timedelta

import pytest

from agents.errors import Trouble
from agents.failures.trouble import TABLE, Course

WORDS_OF_OPERATORS = ("API", "key", "credit", "billing", "limit", "x-api", "Plans", "_")


@pytest.mark.parametrize("trouble", Trouble)
def test_each_trouble_has_a_row_that_fits_itself(trouble: Trouble) -> None:
    row = TABLE[trouble]
    assert row.first
    assert row.course in Course
    if row.course == Course.REST:
        assert row.sentence
        assert list(row.rests) == sorted(row.rests)
        assert timedelta(0) < row.rest_after(0) <= row.rest_after(10**6) <= timedelta(hours=4)
    if row.operator:
        assert "operator of this installation" in row.sentence or trouble == Trouble.SANDBOX_FAULT


@pytest.mark.parametrize("trouble", Trouble)
def test_no_founder_reads_words_of_the_provider(trouble: Trouble) -> None:
    assert not [word for word in WORDS_OF_OPERATORS if word in TABLE[trouble].sentence]
