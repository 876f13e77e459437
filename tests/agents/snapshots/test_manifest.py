from dataclasses import replace

from agents.snapshots.manifest import (
    Copied,
    FileState,
    agreed,
    from_json,
    is_unchanged,
    parse,
    readable,
    still_missing,
    to_json,
    to_restore,
    written_meanwhile,
)


def file(path: str, content: str = "a", changed: float = 100.0, **fields: str) -> FileState:
    return FileState(
        path, len(content), content or "none", fields.get("mode", "644"), changed, fields.get("link", "")
    )


def directory(path: str) -> FileState:
    return FileState(path, 0, "", "d755", 100.0)


SAVED = (file("a"), file("b/c"))


def test_a_disk_as_it_was_saved_needs_nothing() -> None:
    assert to_restore(SAVED, (file("a", changed=300), file("b/c"), file("new"))) == []


def test_missing_reverted_and_emptied_files_are_lost() -> None:
    saved = (*SAVED, file("d", "content"))
    assert to_restore(saved, (file("a", "older", changed=50), file("d", "", changed=500))) == [
        "a",
        "b/c",
        "d",
    ]


def test_newer_work_stays() -> None:
    assert to_restore(SAVED, (file("a", "newer", changed=200), file("b/c", mode="755", changed=200))) == []


def test_a_file_whose_directory_became_a_file_is_not_brought_back() -> None:
    assert to_restore(SAVED, (file("a"), file("b", changed=200))) == []


def test_an_empty_directory_that_was_filled_since_is_there() -> None:
    saved = (directory(".git/refs"), directory("uploads"))
    assert to_restore(saved, (file(".git/refs/tags/v1"),)) == ["uploads"]
    assert still_missing(["uploads", ".git/refs"], saved, (file(".git/refs/tags/v1"),)) == ["uploads"]


def test_content_and_mode_make_a_change_and_time_does_not() -> None:
    assert is_unchanged(SAVED, (file("a", changed=900), file("b/c")))
    assert not is_unchanged(SAVED, (file("a", mode="755"), file("b/c")))
    assert not is_unchanged(SAVED, SAVED[:1])


def test_an_archive_vouches_only_for_what_stood_still() -> None:
    assert agreed(SAVED, (file("a", "changed"), file("b/c"))) == SAVED[1:]


def test_a_file_that_was_written_meanwhile_is_left_out_although_it_reads_the_same() -> None:
    written_again = replace(SAVED[0], changed=SAVED[0].changed + 1)
    assert agreed(SAVED, (written_again, *SAVED[1:])) == SAVED[1:]


def test_what_the_sandbox_lists_is_read_with_every_kind_of_name() -> None:
    name = "sp ace\nnew *./line\udcff.txt".encode(errors="surrogateescape")
    found = (
        b"f\x00644\x001.5\x003\x00\x00"
        + name
        + b"\0l\x00777\x002\x009\x00a\x00link\0d\x00755\x003\x004\x00\x00void\0"
    )
    manifest = parse(found, b"0" * 64 + b" *./" + name + b"\0")
    assert [entry.path for entry in manifest] == ["link", "sp ace\nnew *./line\udcff.txt", "void"]
    assert manifest[1].sha256 == "0" * 64
    assert from_json(to_json(manifest)) == manifest
    str(to_json(manifest)).encode()


def test_what_may_not_be_read_is_known_by_name_stays_and_is_not_saved() -> None:
    disk = parse(b"u\x00000\x009\x003\x00\x00a\0" + b"u\x00700\x009\x003\x00\x00b\0", b"")
    assert [entry.path for entry in disk] == ["a", "b"]
    assert readable(disk) == ()
    assert to_restore(SAVED, disk) == []
    assert to_restore(SAVED, disk[:1]) == ["b/c"]


def test_a_file_that_vanished_while_it_was_listed_is_left_out() -> None:
    assert parse(b"f\x00644\x001\x003\x00\x00gone\0", b"") == ()


def database(path: str, content: str = "a", changed: float = 100.0) -> FileState:
    return replace(file(path, content, changed), from_backup=True)


def test_an_idle_database_stays_although_its_copy_differs_and_a_newer_one_too() -> None:
    saved = (database("a"),)
    assert to_restore(saved, (database("a", "of another SQLite"),)) == []
    assert to_restore(saved, (database("a", "newer", changed=101),)) == []


def test_an_older_a_missing_an_emptied_and_a_damaged_database_is_lost() -> None:
    saved = (database("a", "content"),)
    assert to_restore(saved, (database("a", "older", changed=99),)) == ["a"]
    assert to_restore(saved, ()) == ["a"]
    assert to_restore(saved, (file("a", "", changed=500),)) == ["a"]
    assert to_restore(saved, (file("a", "torn", changed=500),), {"a"}) == ["a"]
    assert to_restore(saved, (file("a", "zeroed", changed=100),)) == ["a"]  # no database any more


def test_what_took_the_place_of_a_database_later_stays() -> None:
    assert to_restore((database("a"),), (file("a", "text", changed=200),)) == []


def test_a_database_that_is_locked_stays() -> None:
    saved, locked = (database("a"),), replace(file("a", "torn", changed=50), copied="as_read")
    assert to_restore(saved, (locked,)) == []


def test_a_database_that_nobody_can_tell_stays_unless_it_is_empty() -> None:
    saved = (database("a", changed=200), database("b", "content"), database("c"), file("d"))
    disk = (file("a", "as it is on the disk", changed=100), file("b", ""), file("d", "older", changed=50))
    assert to_restore(saved, disk, tells_databases=False) == ["b", "c", "d"]


def test_what_an_older_manifest_lists_beside_a_database_comes_back_with_the_database_alone() -> None:
    saved = (file("a"), file("a-wal"), file("a-shm"), file("b-wal"))
    assert to_restore(saved, (database("a", "newer", changed=300),)) == ["b-wal"]
    assert to_restore(saved, (file("a", "broken", changed=300),), {"a"}) == ["b-wal"]
    assert to_restore(saved, ()) == ["a", "a-wal", "a-shm", "b-wal"]


def test_a_damaged_file_that_was_never_saved_as_a_database_is_a_file() -> None:
    assert to_restore((file("a", "fake"),), (file("a", "fake"),), {"a"}) == []


def test_rows_say_only_what_is_special_and_older_rows_are_read() -> None:
    kept = replace(database("a"), copied=Copied.KEPT)
    plain = file("b")
    special, ordinary = to_json((kept, plain))
    assert ordinary.keys() == {"path", "size", "sha256", "mode", "changed"}
    assert special.keys() == {*ordinary, "from_backup", "copied"}
    assert from_json([special, ordinary]) == (kept, plain)
    assert written_meanwhile([special, ordinary]) == (kept,)
