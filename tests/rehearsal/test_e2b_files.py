"""Files through the real SDK."""

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from e2b import FileNotFoundException, FileType, InvalidArgumentException
from e2b.sandbox.filesystem.filesystem import WriteEntry

from rehearsal.e2b_api.file_transfer import multipart

pytestmark = pytest.mark.services

ODD_NAMES = [
    "naïve café ☕.txt",
    "two\nlines.txt",
    'a "quoted" name',
    "back\\slash",
    " blanks  ",
    "-rf",
    "100%0A",
]


async def test_text_comes_back_as_it_was_written(sandbox: Any) -> None:
    info = await sandbox.files.write("/home/user/app/notes/todo.txt", "Grüße\n☕\n")
    assert (info.name, info.path) == ("todo.txt", "/home/user/app/notes/todo.txt")
    assert await sandbox.files.read("/home/user/app/notes/todo.txt") == "Grüße\n☕\n"


async def test_bytes_come_back_as_they_were_written(sandbox: Any) -> None:
    data = bytes(range(256)) * 5000
    await sandbox.files.write("/home/user/data.bin", data)
    assert await sandbox.files.read("/home/user/data.bin", format="bytes") == data


async def test_a_stream_goes_in_and_comes_out(sandbox: Any) -> None:
    async def blocks() -> AsyncIterator[bytes]:
        for number in range(40):
            yield bytes([number]) * 100_000

    await sandbox.files.write("/home/user/stream", blocks())
    read = [block async for block in await sandbox.files.read("/home/user/stream", format="stream")]
    assert b"".join(read) == b"".join([bytes([number]) * 100_000 for number in range(40)])


async def test_file_objects_gzip_and_octet_streams_are_taken(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/object", io.BytesIO(b"from an object"))
    await sandbox.files.write("/home/user/zipped", b"z" * 100_000, gzip=True)
    await sandbox.files.write("/home/user/octets", "octets", use_octet_stream=True)
    assert await sandbox.files.read("/home/user/object") == "from an object"
    assert await sandbox.files.read("/home/user/zipped") == "z" * 100_000
    assert await sandbox.files.read("/home/user/octets", gzip=True) == "octets"


async def test_several_files_are_written_at_once(sandbox: Any) -> None:
    files = [WriteEntry(path=f"/home/user/many/{number}.txt", data=f"{number}\r\n") for number in range(30)]
    written = await sandbox.files.write_files(files)
    assert [info.path for info in written] == [file["path"] for file in files]
    assert await sandbox.files.read("/home/user/many/17.txt") == "17\r\n"


async def test_writing_shortens_a_longer_file(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/file", "long " * 100)
    await sandbox.files.write("/home/user/file", "short")
    assert await sandbox.files.read("/home/user/file") == "short"


async def test_relative_paths_begin_at_home(sandbox: Any) -> None:
    await sandbox.files.write("app/here.txt", "here")
    assert await sandbox.files.read("~/app/here.txt") == "here"
    assert await sandbox.files.exists("/home/user/app/here.txt")


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_are_kept(sandbox: Any, name: str) -> None:
    path = f"/home/user/odd/{name}"
    await sandbox.files.write(path, name)
    assert [entry.name for entry in await sandbox.files.list("/home/user/odd")] == [name]
    assert await sandbox.files.read(path) == name
    await sandbox.files.remove(path)
    assert await sandbox.files.list("/home/user/odd") == []


async def test_odd_names_survive_a_write_of_several(sandbox: Any) -> None:
    names = [name for name in ODD_NAMES if "%" not in name]
    await sandbox.files.write_files([WriteEntry(path=f"/home/user/odd/{name}", data=name) for name in names])
    assert sorted(entry.name for entry in await sandbox.files.list("/home/user/odd")) == sorted(names)


async def test_a_listing_goes_as_deep_as_asked(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/a/b/c.txt", "")
    assert [entry.path for entry in await sandbox.files.list("/home/user/a", depth=1)] == ["/home/user/a/b"]
    deep = await sandbox.files.list("/home/user/a", depth=5)
    assert [entry.path for entry in deep] == ["/home/user/a/b", "/home/user/a/b/c.txt"]


async def test_ten_thousand_files_are_listed(sandbox: Any) -> None:
    await sandbox.commands.run("mkdir crowd; cd crowd; seq 10000 | xargs touch", cwd="/home/user")
    assert len(await sandbox.files.list("/home/user/crowd")) == 10_000


async def test_info_tells_kind_size_and_link(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/real", "12345")
    await sandbox.commands.run("ln -s real link", cwd="/home/user")
    real, link = [await sandbox.files.get_info(f"/home/user/{name}") for name in ("real", "link")]
    assert (real.type, real.size, real.mode) == (FileType.FILE, 5, 0o644)
    assert (link.type, link.symlink_target) == (FileType.SYMLINK, "real")


async def test_a_directory_is_made_once(sandbox: Any) -> None:
    assert await sandbox.files.make_dir("/home/user/x/y")
    assert not await sandbox.files.make_dir("/home/user/x/y")
    await sandbox.files.write("/home/user/x/file", "")
    with pytest.raises(InvalidArgumentException):
        await sandbox.files.make_dir("/home/user/x/file")


async def test_renaming_moves_a_file(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/old", "kept")
    moved = await sandbox.files.rename("/home/user/old", "/home/user/deep/new")
    assert moved.path == "/home/user/deep/new"
    assert not await sandbox.files.exists("/home/user/old")
    assert await sandbox.files.read("/home/user/deep/new") == "kept"


async def test_removing_takes_a_tree_and_forgives_absence(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/tree/leaf", "")
    await sandbox.files.remove("/home/user/tree")
    await sandbox.files.remove("/home/user/tree")
    assert not await sandbox.files.exists("/home/user/tree")


async def test_removing_a_link_leaves_what_it_points_to(sandbox: Any) -> None:
    await sandbox.files.write("/home/user/kept/file", "")
    await sandbox.commands.run("ln -s kept link", cwd="/home/user")
    await sandbox.files.remove("/home/user/link")
    assert await sandbox.files.exists("/home/user/kept/file")


async def test_what_is_missing_is_said_so(sandbox: Any) -> None:
    with pytest.raises(FileNotFoundException):
        await sandbox.files.read("/home/user/none")
    with pytest.raises(FileNotFoundException):
        await sandbox.files.list("/home/user/none")
    with pytest.raises(FileNotFoundException):
        await sandbox.files.rename("/home/user/none", "/home/user/other")


async def test_a_directory_is_not_read_as_a_file(sandbox: Any) -> None:
    await sandbox.files.make_dir("/home/user/folder")
    with pytest.raises(InvalidArgumentException):
        await sandbox.files.read("/home/user/folder")


async def test_a_pipe_does_not_stop_the_sandbox(sandbox: Any) -> None:
    await sandbox.commands.run("mkfifo pipe", cwd="/home/user")
    with pytest.raises(InvalidArgumentException):
        await sandbox.files.read("/home/user/pipe")
    assert (await sandbox.commands.run("echo alive")).stdout == "alive\n"


def test_a_form_is_taken_apart() -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="file"; filename="a%22b"\r\n\r\nx\r\n--y\r\n--B--\r\n'
    )
    assert multipart(body, "multipart/form-data; boundary=B") == [('a"b', b"x\r\n--y")]


async def test_files_are_accessed_as_root_as_at_e2b(sandbox: Any) -> None:
    closing = "mkdir -p shut/in; echo secret > shut/file; chmod 000 shut/file; chmod 000 shut"
    await sandbox.commands.run(closing, cwd="/home/user")
    assert await sandbox.files.read("/home/user/shut/file") == "secret\n"
    await sandbox.files.write("/home/user/shut/file", "new")
    await sandbox.files.write("/home/user/shut/in/another", "more")
    assert {entry.name for entry in await sandbox.files.list("/home/user/shut")} == {"in", "file"}
    modes = await sandbox.commands.run(
        "stat -c %a shut; chmod 700 shut; stat -c %a shut/file", cwd="/home/user"
    )
    assert modes.stdout == "0\n0\n"  # they are as closed as before


async def test_what_is_closed_is_moved_and_removed_too(sandbox: Any) -> None:
    await sandbox.commands.run("mkdir a; echo 1 > a/b; chmod 000 a", cwd="/home/user")
    await sandbox.files.rename("/home/user/a/b", "/home/user/c")
    assert await sandbox.files.read("/home/user/c") == "1\n"
    await sandbox.files.remove("/home/user/a")
    assert not await sandbox.files.exists("/home/user/a")


async def test_the_system_s_files_stay_as_closed_as_they_are(sandbox: Any) -> None:
    with pytest.raises(Exception, match=r"(?i)read-only|denied"):
        await sandbox.files.write("/usr/bin/new", "x")
