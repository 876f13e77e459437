import sys

import pytest

from cofounder.config.spared import spared


def test_a_package_is_hidden_for_as_long_as_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with spared("this"), pytest.raises(ImportError):
        __import__("this.something")
    assert "this" not in sys.modules


def test_what_is_loaded_stays() -> None:
    with spared("json"):
        import json
    assert sys.modules["json"] is json
