"""Pictures small enough to stand inside a page."""

import base64
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

EDGES = (480, 360, 280, 220, 160, 96)  # pixels of the longer side, tried in this order
QUALITIES = (72, 50)


def thumbnail(picture: "Image", most_bytes: int) -> str:
    """Return a picture as a data URI (JPEG) of at most `most_bytes` before base64; the smallest if none is that small.

    Args:
        picture: RGB.
        most_bytes: Size to stay below.
    """
    from PIL import Image

    data = b""
    small = picture.copy()
    for edge in EDGES:
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
        for quality in QUALITIES:
            buffer = io.BytesIO()
            small.save(buffer, "JPEG", quality=quality, optimize=True)
            data = buffer.getvalue()
            if len(data) <= most_bytes:
                return _uri(data)
    return _uri(data)


def _uri(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
