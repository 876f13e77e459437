"""Pictures and PDF files, as the model is shown them."""

import base64
import io
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from agents.checkpoint.transcript import PAGE_TOKENS, upper_bound
from agents.results import MOST_PICTURES, within_limits
from agents.sandbox.workspace import Workspace
from agents.tools import pictures
from agents.turns import without_pictures
from rehearsal.anthropic_api.shape import messages_problems
from tests.agents.tools.test_files import Caller, text

pytestmark = pytest.mark.services


@pytest.fixture
def call(workspace: Workspace) -> Caller:
    return Caller(workspace)


def drawn(size: tuple[int, int], kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind)
    return file.getvalue()


def pdf(*texts: str) -> bytes:
    """A PDF with a page for each text."""
    writer, file = PdfWriter(), io.BytesIO()
    font = DictionaryObject({NameObject(key): NameObject(value) for key, value in FONT.items()})
    for said in texts:
        page = writer.add_blank_page(595, 842)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 50 800 Td ({said}) Tj ET".encode())
        page[NameObject("/Contents")] = stream
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    writer.write(file)
    return file.getvalue()


FONT = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}


def shown(block: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(block["source"]["data"])))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_a_picture_is_shown(call: Caller, workspace: Workspace, kind: str) -> None:
    content = drawn((60, 40), kind)
    await workspace.write(f"logo.{kind.lower()}", content)
    result = await call("read_file", path=f"logo.{kind.lower()}")
    assert text(result) == f"[logo.{kind.lower()}: {kind}, 60x40, {len(content):,} bytes]"
    assert (shown(result.content[1]).size, result.label) == ((60, 40), f"Looked at logo.{kind.lower()}")
    assert list(messages_problems([{"role": "user", "content": [result.block()]}])) == []


async def test_a_large_picture_is_scaled_within_its_bound(call: Caller, workspace: Workspace) -> None:
    await workspace.write("photo.jpg", drawn((4000, 3000), "JPEG"))
    result = await call("read_file", path="photo.jpg")
    width, height = shown(result.content[1]).size
    assert f"4000x3000, shown at {width}x{height}" in text(result)
    assert width * height <= pictures.MOST_PIXELS
    assert width * height / 750 < upper_bound(result.content[1:])


@pytest.mark.parametrize(
    ("name", "content"),
    [("torn.png", drawn((300, 300), "PNG")[:80]), ("torn.pdf", b"%PDF-1.7 nothing"), ("not.webp", b"RIFF")],
)
async def test_what_cannot_be_shown_is_said_with_its_reason(
    call: Caller, workspace: Workspace, name: str, content: bytes
) -> None:
    await workspace.write(name, content + b"\0")
    result = await call("read_file", path=name)
    assert (result.is_error, result.error_type) == (True, "binary_file")
    assert name in text(result)


async def test_a_text_with_a_pictures_name_is_a_text(call: Caller, workspace: Workspace) -> None:
    await workspace.write("logo.png", b"see logo.svg")
    assert text(await call("read_file", path="logo.png")) == "     1\tsee logo.svg"


async def test_the_pages_of_a_pdf_are_shown_each_within_its_bound(call: Caller, workspace: Workspace) -> None:
    await workspace.write("menu.pdf", pdf("Soup", "Bread", "Cake"))
    result = await call("read_file", path="menu.pdf", offset=2, limit=1)
    assert text(result) == "[menu.pdf: page 2 of 3]\n[Read on with offset 3.]"
    assert [block["title"] for block in result.content[1:]] == ["menu.pdf, page 2"]
    assert list(messages_problems([{"role": "user", "content": [result.block()]}])) == []
    assert upper_bound(result.content[1:]) == PAGE_TOKENS
    beyond = await call("read_file", path="menu.pdf", offset=9)
    assert text(beyond) == "menu.pdf has 3 pages; offset is 9."


async def test_a_page_full_of_text_comes_as_its_text(call: Caller, workspace: Workspace) -> None:
    await workspace.write("terms.pdf", pdf("word " * 2000, "short"))
    result = await call("read_file", path="terms.pdf")
    assert "[page 1, its text alone]\nword word" in text(result)
    assert [block["title"] for block in result.content[1:]] == ["terms.pdf, page 2"]


async def test_pages_count_as_pictures_where_many_are_too_many(call: Caller, workspace: Workspace) -> None:
    await workspace.write("menu.pdf", pdf(*"abcde"))
    results = [await call("read_file", path="menu.pdf") for _ in range(3)]
    fitting = within_limits(results)
    kinds = [block["type"] for result in fitting for block in result.content]
    assert kinds.count("document") == MOST_PICTURES
    summary = without_pictures([{"role": "user", "content": [result.block() for result in results]}])
    assert "document" not in str(summary)
