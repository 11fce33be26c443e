"""Pictures, documents and sound as Anthropic's JSON: mapped where the format takes them, else refused."""

import base64
import dataclasses

import pytest

from airegistry.invocations.content import ContentBlock, MediaBlock
from tests.anthropic_requests import HI, PNG, refused_at, said, turns_of, user
from tests.blocks import text


@pytest.mark.parametrize(
    ("block", "wire"),
    [
        (
            {"image": MediaBlock(url="https://x/y.png")},
            {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        ),
        (
            {"image": MediaBlock(url=f"data:image/png;base64,{PNG}")},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        ),
        (
            {"image": MediaBlock(file_id="file_1")},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        ),
        (
            {"file": MediaBlock(b"pdf", media_type="application/pdf", filename="a.pdf")},
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": base64.b64encode(b"pdf").decode(),
                },
                "title": "a.pdf",
            },
        ),
        (
            {"file": MediaBlock("ä,b".encode(), media_type="text/csv")},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "ä,b"}},
        ),
        (
            {"file": MediaBlock(url="https://x/y.pdf"), "cache_control": "ephemeral"},
            {
                "type": "document",
                "source": {"type": "url", "url": "https://x/y.pdf"},
                "cache_control": {"type": "ephemeral"},
            },
        ),
    ],
    ids=["image-url", "data-url", "image-file", "pdf", "text", "pdf-url"],
)
def test_media_are_mapped(block, wire):
    turns, warned = turns_of(user(ContentBlock(**block)))
    assert turns[0]["content"] == [wire]
    assert not warned


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ({"image": MediaBlock(b"x", media_type="image/bmp")}, "image.media_type"),
        ({"image": MediaBlock(url="s3://b/k")}, "image.url"),
        ({"image": MediaBlock(url="data:image/png,x")}, "image.url"),
        ({"file": MediaBlock(b"x", media_type="application/zip")}, "file.media_type"),
        ({"file": MediaBlock(b"\xff", media_type="text/plain")}, "file"),
        ({"audio": MediaBlock(b"x", media_type="audio/wav")}, "audio"),
        ({"video": MediaBlock(url="https://x/y")}, "video"),
    ],
    ids=["bmp", "s3", "bare-data-url", "zip", "not-utf8", "audio", "video"],
)
def test_media_that_no_server_takes_are_refused(block, field):
    request = dataclasses.replace(HI, messages=(user(ContentBlock(**block)),))
    assert refused_at(request) == f"chat.messages[0].content[0].{field}"


def test_how_closely_to_look_is_named():
    block = ContentBlock(image=MediaBlock(url="https://x/y", detail="low"))
    assert turns_of(user(block))[1] == {"chat.messages[0].content[0].image.detail"}


def test_an_image_of_the_assistant_is_refused():
    image = ContentBlock(image=MediaBlock(url="https://x/y"))
    request = dataclasses.replace(HI, messages=(*HI.messages, said(image), user(text("?"))))
    assert refused_at(request) == "chat.messages[1].content[0]"
