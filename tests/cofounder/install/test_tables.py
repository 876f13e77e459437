import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from cofounder.install import tables
from cofounder.install.waiting import StartFailed


def test_tables_of_this_version_are_known(db: None) -> None:
    assert tables.applied_but_unknown() == []

    tables.need_known([])


def test_tables_of_a_newer_version_are_refused_by_name(db: None) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied("jobs", "9999_from_the_future")
    recorder.record_applied("somebody_else", "0001_initial")

    with pytest.raises(StartFailed, match=r"newer version .*jobs\.9999_from_the_future.* left as it is"):
        tables.need_known(tables.applied_but_unknown())
