"""Images asked for in words or from images, and what comes back of them with its counts."""

import base64

import orjson
import pytest

from airegistry.dialects.openai_images.dialect import OpenAIImages
from airegistry.errors import (
    ContentRefusedError,
    InvalidArgumentError,
    MalformedAnswerError,
    ProviderRateLimitedError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.kinds import ImageRequest
from airegistry.invocations.usage import Usage
from airegistry.resources.endpoint import Communication, Endpoint
from gateway.fronts.forms import parts_of

ENDPOINT = Endpoint(address="https://a/v1", upstream_model="gpt-image-2")
ASKED = ImageRequest(prompt="A cat")
PNG = b"\x89PNG\r\n\x1a\nrest"
UPLOAD = MediaBlock(data=PNG, media_type="image/png", filename="cat.png")


def encode(asked, endpoint=ENDPOINT, wire=None):
    return OpenAIImages().encode(asked, endpoint, stream=False, wire=wire).call


def decode(*data, asked=ASKED, **fields):
    body = orjson.dumps({"created": 1_790_000_000, "data": list(data), **fields})
    return OpenAIImages().decode(asked, 200, {}, body)


def b64(data=PNG, **fields):
    return {"b64_json": base64.b64encode(data).decode(), **fields}


def form_of(call):
    return parts_of(call.headers["content-type"], call.body)


def test_everything_asked_has_its_field():
    asked = ImageRequest(
        prompt="A cat",
        count=2,
        size="1024x1024",
        quality="high",
        media_type="image/webp",
        extra={"background": "opaque", "user": "u"},
    )
    call = encode(asked)
    assert (call.method, call.url) == ("POST", "https://a/v1/images/generations")
    assert orjson.loads(call.body) == {
        "model": "gpt-image-2",
        "prompt": "A cat",
        "n": 2,
        "size": "1024x1024",
        "quality": "high",
        "output_format": "webp",
        "background": "opaque",
        "user": "u",
    }


def test_nothing_is_sent_that_was_not_asked():
    assert orjson.loads(encode(ASKED).body) == {"model": "gpt-image-2", "prompt": "A cat"}


def test_what_its_caller_wrote_goes_out_byte_for_byte():
    wire = b'{"prompt": "A cat", "odd": 1.10, "model": "m", "svg": {"model": "x"}}'
    assert encode(ASKED, wire=wire).body == b'{"prompt":"A cat","odd":1.10,"svg":{"model": "x"},"model":"gpt-image-2"}'


@pytest.mark.parametrize("name", ["model", "prompt", "n", "stream"])
def test_extra_cannot_contradict_the_request(name):
    with pytest.raises(InvalidArgumentError, match=name):
        encode(ImageRequest(prompt="A cat", extra={name: 1}))


def test_an_image_given_in_bytes_is_uploaded():
    call = encode(ImageRequest(prompt="Smile é", inputs=(UPLOAD,), count=1, extra={"output_compression": 50.0}))
    assert call.url == "https://a/v1/images/edits"
    assert [(part.name, part.data) for part in form_of(call)] == [
        ("model", b"gpt-image-2"),
        ("prompt", "Smile é".encode()),
        ("n", b"1"),
        ("output_compression", b"50"),
        ("image", PNG),
    ]
    assert form_of(call)[-1][2:] == ("cat.png", "image/png")


def test_several_images_are_uploaded_as_a_list():
    unnamed = MediaBlock(data=b"\r\n--x--\r\n", media_type="image/jpeg")
    parts = form_of(encode(ImageRequest(prompt="Both", inputs=(UPLOAD, unnamed))))
    assert [(p.name, p.filename, p.data) for p in parts[2:]] == [
        ("image[]", "cat.png", PNG),
        ("image[]", "image-1.jpeg", b"\r\n--x--\r\n"),
    ]


def test_a_file_name_cannot_end_its_header():
    evil = MediaBlock(data=PNG, media_type="image/png", filename='a"\r\nX-Evil: 1\r\n\r\n.png')
    parts = form_of(encode(ImageRequest(prompt="x", inputs=(evil,))))
    assert [part.name for part in parts] == ["model", "prompt", "image"]
    assert parts[-1].data == PNG


@pytest.mark.parametrize(
    ("asked", "images"),
    [
        (
            ImageRequest(prompt="x", inputs=(MediaBlock(url="https://b/c.png"), MediaBlock(file_id="file-1"))),
            [{"image_url": "https://b/c.png"}, {"file_id": "file-1"}],
        ),
        (
            ImageRequest(prompt="x", inputs=(UPLOAD,), extra={"mask": {"file_id": "file-2"}}),
            [{"image_url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}],
        ),
    ],
    ids=["references", "a-mask-beside-bytes"],
)
def test_what_a_form_cannot_hold_goes_as_json(asked, images):
    call = encode(asked)
    assert call.url == "https://a/v1/images/edits"
    assert orjson.loads(call.body)["images"] == images


def test_a_declared_path_is_the_path_of_both():
    endpoint = Endpoint(address="https://a", upstream_model="m", communication=Communication(path="/paint"))
    assert encode(ASKED, endpoint).url == "https://a/paint"
    assert encode(ImageRequest(prompt="x", inputs=(UPLOAD,)), endpoint).url == "https://a/paint"


def test_images_come_with_their_kind():
    answer = decode(b64(), b64(b"\xff\xd8\xff"), {"url": "https://c/d"}, b64(b"?"))
    assert answer.output.images == (
        MediaBlock(data=PNG, media_type="image/png"),
        MediaBlock(data=b"\xff\xd8\xff", media_type="image/jpeg"),
        MediaBlock(url="https://c/d"),
        MediaBlock(data=b"?", media_type="image/png"),
    )
    told = decode(b64(), output_format="webp")
    assert told.output.images == (MediaBlock(data=PNG, media_type="image/webp"),)


def test_what_the_provider_changed_and_added_is_kept():
    answer = decode(b64(revised_prompt="A grey cat"), b64(), background="opaque", size="1024x1024", quality=None)
    assert answer.output.revised_prompt == "A grey cat"
    assert answer.output.extra == {"background": "opaque", "size": "1024x1024"}
    assert [warning.path for warning in answer.warnings] == ["data.revised_prompt"]


def test_what_has_no_place_is_named():
    warnings = decode(b64(content_filter_results={"hate": {}}), b64(content_filter_results={})).warnings
    assert [warning.path for warning in warnings] == ["data.content_filter_results"]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (None, Usage(output_images=1)),
        (
            {
                "input_tokens": 50,
                "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
                "output_tokens": 100,
                "output_tokens_details": {"text_tokens": 30, "image_tokens": 70},
                "total_tokens": 150,
            },
            Usage(10, output_tokens=30, input_image_tokens=40, output_image_tokens=70, output_images=1),
        ),
        (
            {"input_tokens": 50, "output_tokens": 100},
            Usage(50, output_tokens=0, input_image_tokens=0, output_image_tokens=100, output_images=1),
        ),
        (
            {"input_tokens": 5, "input_tokens_details": {"image_tokens": 9}, "output_tokens": 1},
            Usage(0, output_tokens=0, input_image_tokens=5, output_image_tokens=1, output_images=1),
        ),
    ],
    ids=["not-told", "in-detail", "without-details", "a-part-larger-than-the-whole"],
)
def test_counts_are_disjoint(usage, counts):
    assert decode(b64(), usage=usage).usage == counts


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"data": []}',
        b'{"data": {}}',
        b'{"data": [{}]}',
        b'{"data": [{"b64_json": "?"}]}',
        b'{"data": [{"b64_json": 7}]}',
        orjson.dumps({"data": [{"url": "https://a"}] * 65}),
        b'{"data": [{"url": "https://a"}], "usage": {"input_tokens": -1}}',
    ],
    ids=["html", "list", "none", "no-list", "empty", "no-base64", "no-text", "too-many", "negative"],
)
def test_an_answer_of_another_shape_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        OpenAIImages().decode(ASKED, 200, {}, body)


def test_errors_are_told_apart():
    blocked = orjson.dumps(
        {"error": {"message": "no", "type": "image_generation_user_error", "code": "moderation_blocked"}}
    )
    assert isinstance(OpenAIImages().error(400, {}, blocked), ContentRefusedError)
    with pytest.raises(ProviderRateLimitedError):
        OpenAIImages().decode(ASKED, 429, {}, b"{}")
    with pytest.raises(ContentRefusedError):
        OpenAIImages().decode(ASKED, 200, {}, blocked)


def test_other_kinds_and_streams_are_refused():
    dialect = OpenAIImages()
    assert dialect.speaks(ASKED)
    assert not dialect.speaks(ChatRequest())
    with pytest.raises(UnsupportedFieldError):
        dialect.encode(ChatRequest(), ENDPOINT, stream=False)
    with pytest.raises(UnsupportedFieldError):
        dialect.encode(ASKED, ENDPOINT, stream=True)
    with pytest.raises(UnsupportedFieldError):
        dialect.decoder(ASKED)
