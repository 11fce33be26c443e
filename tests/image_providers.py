"""Providers of images, in OpenAI's format."""

from __future__ import annotations

import base64
import json

from tests.providers import Peer

PNG = b"\x89PNG\r\n\x1a\nan image"
USAGE = {
    "input_tokens": 50,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
    "output_tokens": 100,
    "output_tokens_details": {"text_tokens": 0, "image_tokens": 100},
    "total_tokens": 150,
}


async def images(peer: Peer) -> None:
    """As many images as were asked for, with counts of tokens."""
    made = [{"b64_json": base64.b64encode(PNG).decode()}] * peer.body.get("n", 1)
    answer = {"created": 1_790_000_000, "data": made, "output_format": "png", "size": "1024x1024", "usage": USAGE}
    await peer.reply(200, json.dumps(answer).encode())


async def uncounted(peer: Peer) -> None:
    """Images by URL, of a provider that counts no tokens."""
    made = [{"url": "https://images.example/1.png"}] * peer.body.get("n", 1)
    await peer.reply(200, json.dumps({"created": 1_790_000_000, "data": made}).encode())
