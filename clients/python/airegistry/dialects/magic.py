"""Media types of images, told from their first bytes, for formats that send images bare."""

from __future__ import annotations

from typing import Final

_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_BOXES: Final = {b"avif": "image/avif", b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif"}


def image_type(data: bytes) -> str:
    """Return the media type of an image, empty when its first bytes are those of none."""
    for start, media_type in _STARTS:
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _BOXES.get(data[8:12], "") if data[4:8] == b"ftyp" else ""
