from typing import Any

import pytest

from jobs.storable import storable


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("plain", "plain"),
        ("a\0b", "a�b"),
        ("half \ud800", "half ?"),
        ({"\0": ["\0", {"deep": "\0"}]}, {"�": ["�", {"deep": "�"}]}),
        (("a\0", 1, None), ["a�", 1, None]),
        (0.5, 0.5),
    ],
)
def test_what_postgresql_refuses_is_replaced_at_every_depth(value: Any, stored: Any) -> None:
    assert storable(value) == stored
