"""What `make lint` makes of pip-audit's output."""

import json

from tests.audit import LOUD, judge

SOUND = {"name": "django", "version": "5.2.19", "vulns": []}
WEAK = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNKNOWN = {"name": "far", "skip_reason": "Dependency not found on PyPI and could not be audited: far (1)"}


def verdict(*packages: object, error: str = "") -> tuple[int, str]:
    return judge(json.dumps({"dependencies": packages}) if packages else "", error)


def test_packages_without_vulnerabilities_pass_quietly() -> None:
    assert verdict(SOUND) == (0, "0 of 1 audited packages have known weaknesses.")


def test_a_vulnerable_package_fails_by_name() -> None:
    code, words = verdict(SOUND, WEAK)
    assert code == 1
    assert words.startswith("old 1: PYSEC-1 (fixed in 2)")


def test_a_failed_lookup_is_reported_clearly_and_is_not_a_pass() -> None:
    for answer in (verdict(UNKNOWN), verdict(error="ERROR: no route to host")):
        assert (answer[0], answer[1].count(LOUD), "NOT AUDITED" in answer[1]) == (0, 2, True)


def test_a_package_that_could_not_be_looked_up_is_named() -> None:
    code, words = verdict(SOUND, UNKNOWN)
    assert (code, "NOT AUDITED: far" in words) == (0, True)
