from dataclasses import replace

from agents.snapshots.manifest import (
    FileState,
    agreed,
    from_json,
    is_unchanged,
    parse,
    readable,
    still_missing,
    to_json,
    to_restore,
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
