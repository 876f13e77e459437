"""Pictures as the API takes them: one of its four formats, small enough, upright."""

import base64
import io
import uuid

from asgiref.sync import sync_to_async
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from agents.beside import beside
from agents.sandbox.workspace import Workspace
from agents.turns import Block, ToolFailure

LONGEST_SIDE = 1568  # pixels: what is larger is scaled down by the API anyway
MOST_PIXELS = 1_400_000  # about 1,900 tokens
LARGEST = 400_000  # bytes: each later request carries it too
QUALITIES = (85, 70, 50, 30)
MOST_TO_DECODE = 60_000_000  # pixels
MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF8": "GIF", b"RIFF": "WEBP"}


def format_of(content: bytes) -> str:
    """The picture's format by its first bytes; empty when it is none of the four."""
    found = next((name for magic, name in MAGIC.items() if content.startswith(magic)), "")
    return "" if found == "WEBP" and content[8:12] != b"WEBP" else found


async def picture(content: bytes, path: str) -> tuple[Block, str]:
    """The block for the model, and a sentence on the picture."""
    try:
        return await beside(_fitted, content, path)
    except ImportError as error:
        raise ToolFailure(
            "binary_file", f"{path} is a picture, and this installation cannot show pictures."
        ) from error


def _fitted(content: bytes, path: str) -> tuple[Block, str]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=list(MAGIC.values())) as opened:
            width, height = opened.size
            if width * height > MOST_TO_DECODE:
                raise ToolFailure("file_too_large", f"{path} has {width}x{height} pixels: too many to show.")
            upright = ImageOps.exif_transpose(opened)
            shown = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise ToolFailure("binary_file", f"{path} is not a whole picture: {error}") from error
    shown = shown.resize(fitting(*shown.size), Image.Resampling.LANCZOS)
    for quality in QUALITIES:
        file = io.BytesIO()
        shown.save(file, "WEBP", quality=quality)
        if file.tell() <= LARGEST:
            break
    scaled = f", shown at {shown.width}x{shown.height}" if shown.size != upright.size else ""
    said = f"[{path}: {format_of(content)}, {width}x{height}{scaled}, {len(content):,} bytes]"
    return image_block(file.getvalue()), said


def fitting(width: int, height: int) -> tuple[int, int]:
    """The largest size, in these proportions, that keeps to the limits; never larger than it is."""
    scale = min(1.0, LONGEST_SIDE / max(width, height), (MOST_PIXELS / (width * height)) ** 0.5)
    return max(1, int(width * scale)), max(1, int(height * scale))


def image_block(webp: bytes) -> Block:
    data = base64.b64encode(webp).decode()
    return {"type": "image", "source": {"type": "base64", "media_type": "image/webp", "data": data}}


async def stored(workspace: Workspace, webp: bytes) -> str:
    """Keep a picture for the feed; its name in the storage."""
    name = f"projects/{workspace.project_id}/screenshots/{uuid.uuid4()}.webp"
    return await sync_to_async(default_storage.save, thread_sensitive=False)(name, ContentFile(webp))
