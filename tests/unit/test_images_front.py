"""What callers of OpenAI's images API write, and what they get."""

import base64

import orjson
import pytest

from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.content import MediaBlock
from airegistry.invocations.invocation import Settlement
from airegistry.invocations.kinds import ImageRequest, ImageResponse
from airegistry.invocations.usage import Cost, CostState, Usage
from gateway.fronts.openai_images.answers import images_body
from gateway.fronts.openai_images.requests import read_edit, read_form, read_generation

PNG = b"\x89PNG\r\n\x1a\n"
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def form(*parts):
    body = b"".join(b"--b\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return "multipart/form-data; boundary=b", body + b"--b--\r\n"


def test_a_request_keeps_all_that_it_says():
    body = {
        "model": "m",
        "prompt": "A cat",
        "n": 2,
        "size": "1x1",
        "quality": "hd",
        "output_format": "svg",
        "style": "vivid",
    }
    call = read_generation(orjson.dumps(body))
    assert call.model == "m"
    assert call.request == ImageRequest("A cat", (), 2, "1x1", "hd", "image/svg+xml", {"style": "vivid"})


def test_images_to_start_from_come_by_reference():
    body = {
        "model": "m",
        "prompt": "x",
        "images": [{"file_id": "f"}, {"image_url": DATA_URL}],
        "mask": {"file_id": "g"},
    }
    request = read_edit(orjson.dumps(body)).request
    assert request.inputs == (MediaBlock(file_id="f"), MediaBlock(data=PNG, media_type="image/png"))
    assert request.extra == {"mask": {"file_id": "g"}}


def test_images_to_start_from_come_in_a_form():
    call = read_form(
        *form(
            b'name="model"\r\n\r\nm',
            b'name="prompt"\r\n\r\nx',
            b'name="n"\r\n\r\n2',
            b'name="input_fidelity"\r\n\r\nhigh',
            b'name="image[]"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + PNG,
            b'name="image[]"; filename="b"\r\nContent-Type: application/octet-stream\r\n\r\n\xff\xd8\xff',
            b'name="mask"; filename="m.png"\r\n\r\n' + PNG,
        )
    )
    assert call.request == ImageRequest(
        prompt="x",
        inputs=(
            MediaBlock(data=PNG, media_type="image/png", filename="a.png"),
            MediaBlock(data=b"\xff\xd8\xff", media_type="image/jpeg", filename="b"),
        ),
        count=2,
        extra={"input_fidelity": "high", "mask": {"image_url": DATA_URL}},
    )


@pytest.mark.parametrize(
    ("read", "arguments", "field"),
    [
        (read_generation, (b'{"prompt": "x"}',), "model"),
        (read_generation, (b'{"model": "m"}',), "prompt"),
        (read_generation, (b'{"model": "m", "prompt": "x", "n": "2"}',), "n"),
        (read_edit, (b'{"model": "m", "prompt": "x"}',), "images"),
        (read_edit, (b'{"model": "m", "prompt": "x", "images": [{}]}',), r"images\[0\].image_url"),
        (read_form, form(b'name="model"\r\n\r\nm'), "image"),
        (read_form, form(b'name="image"; filename="a"\r\n\r\n', b'name="n"\r\n\r\nx'), "n"),
    ],
)
def test_what_is_wrong_is_named(read, arguments, field):
    with pytest.raises(InvalidArgumentError, match=f"^{field}: "):
        read(*arguments)


@pytest.mark.parametrize("name", ["stream", "partial_images"])
def test_streams_are_refused_by_name(name):
    with pytest.raises(UnsupportedFieldError, match=f"^{name}: "):
        read_generation(orjson.dumps({"model": "m", "prompt": "x", name: True}))


def test_an_answer_has_openais_shape():
    response = ImageResponse(
        (MediaBlock(data=PNG, media_type="image/png"), MediaBlock(url="https://a")), "A grey cat", {"size": "1x1"}
    )
    usage = Usage(10, output_tokens=3, input_image_tokens=40, output_image_tokens=70, output_images=2)
    settlement = Settlement(target="models/m/endpoints/a", usage=usage, cost=Cost(CostState.KNOWN, 5))
    assert orjson.loads(images_body(response, settlement, 7)) == {
        "created": 7,
        "size": "1x1",
        "data": [
            {"b64_json": base64.b64encode(PNG).decode(), "revised_prompt": "A grey cat"},
            {"url": "https://a", "revised_prompt": "A grey cat"},
        ],
        "usage": {
            "input_tokens": 50,
            "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
            "output_tokens": 73,
            "output_tokens_details": {"text_tokens": 3, "image_tokens": 70},
            "total_tokens": 123,
        },
        "airegistry": {"target": "models/m/endpoints/a", "attempts": 0, "cost": {"state": "KNOWN", "nano_usd": 5}},
    }


def test_counts_that_nobody_told_are_not_shown_as_none():
    body = images_body(ImageResponse(), Settlement(usage=Usage(output_images=1)), 7)
    assert "usage" not in orjson.loads(body)
