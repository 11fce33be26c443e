"""The dialect `kserve.v2`, without a wire: what it builds, and what it makes of responses in the protocol's JSON."""

import json
import struct
from typing import Any

import pytest

from airegistry.dialects.inference import packed
from airegistry.dialects.kserve.dialect import KServe
from airegistry.errors import MalformedAnswerError, ProviderError, TruncatedAnswerError, UnsupportedFieldError
from airegistry.inference.v2 import inference_pb2 as pb
from airegistry.invocations.assembling import assemble
from airegistry.invocations.chat import FinishReason
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest, TokenIds
from airegistry.invocations.usage import Usage
from airegistry.invoke.transport.inference import request_bytes, response_json
from airegistry.resources.endpoint import Communication, CustomFormat, Endpoint
from tests.catalogs import asked


def endpoint(custom=None, address="grpc://up:1"):
    schema = Communication(dialect="kserve.v2", custom=custom)
    return Endpoint(provider="p", address=address, upstream_model="m", communication=schema)


def tensor(name, *data, datatype="BYTES", shape=None):
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": list(data)}


def response(*tensors, **facts):
    return {"model_name": "m", "id": "r", "parameters": {}, "outputs": list(tensors), **facts}


def lines(*values):
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


STREAM = lines(
    response(tensor("text_output", "Hé "), tensor("num_output_tokens", 1, datatype="UINT32")),
    response({**tensor("text_output"), "base64": ["8J8="]}, tensor("num_output_tokens", 1, datatype="UINT32")),
    response({**tensor("text_output"), "base64": ["mIA="]}, tensor("num_input_tokens", 7, datatype="UINT32")),
    response(tensor("text_output", ""), tensor("finish_reason", "length")),
    {"end": True},
)


def read(pieces) -> Any:
    decoder = KServe().decoder(asked())
    items = [item for piece in pieces for item in decoder.feed(piece)]
    return assemble([*items, *decoder.close()])


def test_a_stream_gives_the_same_answer_wherever_it_is_cut():
    answer, usage = read([STREAM])
    assert answer.text == "Hé 😀"
    assert answer.choices[0].finish_reason is FinishReason.LENGTH
    assert usage == Usage(input_tokens=7, output_tokens=2)
    for cut in range(len(STREAM) + 1):
        assert read([STREAM[:cut], STREAM[cut:]]) == (answer, usage)


def test_a_stream_that_ends_early_is_never_whole():
    for end in range(len(STREAM) - len('{"end": true}\n')):
        with pytest.raises(ProviderError):
            read([STREAM[:end]])
    with pytest.raises(TruncatedAnswerError):
        read([STREAM.removesuffix(b'{"end": true}\n')])


def test_several_texts_are_several_choices():
    whole = json.dumps(response(tensor("text_output", "a", "b"), tensor("finish_reason", "stop", "length"))).encode()
    answer: Any = KServe().decode(asked(), 200, {}, whole).output
    assert [(choice.index, choice.finish_reason) for choice in answer.choices] == [
        (0, FinishReason.STOP),
        (1, FinishReason.LENGTH),
    ]


def test_an_answer_that_filled_its_limit_was_cut_by_it():
    counted = response(tensor("text_output", "a"), tensor("num_output_tokens", 5, datatype="UINT32"))
    answer: Any = KServe().decode(asked(max_output_tokens=5), 200, {}, json.dumps(counted).encode()).output
    assert answer.choices[0].finish_reason is FinishReason.LENGTH


SHAPES = {
    "flat": ([2], [1, 2], [(1, 2)]),
    "rows": ([2, 2], [1, 2, 3, 4], [(1, 2), (3, 4)]),
    "boxed": ([2, 1, 2], [1, 2, 3, 4], [(1, 2), (3, 4)]),
}


@pytest.mark.parametrize(("shape", "data", "rows"), SHAPES.values(), ids=SHAPES)
def test_vectors_are_taken_apart_by_their_inputs(shape, data, rows):
    request = EmbeddingsRequest(inputs=tuple(EmbeddingInput(str(i)) for i in range(len(rows))))
    whole = response(tensor("anything", *data, datatype="FP32", shape=shape))
    answer: Any = KServe().decode(request, 200, {}, json.dumps(whole).encode()).output
    assert [one.values for one in answer.embeddings] == rows


@pytest.mark.parametrize(
    "tensors",
    [
        [tensor("a", "x")],
        [tensor("a", 1, datatype="FP32"), tensor("b", 1, datatype="FP32")],
        [tensor("a", 1, 2, 3, datatype="FP32", shape=[3])],
        [tensor("a", *range(8), datatype="FP32", shape=[2, 2, 2])],
        [tensor("a", datatype="FP32", shape=[0])],
    ],
    ids=["no-floats", "two-tensors", "not-divisible", "a-vector-per-token", "empty"],
)
def test_vectors_of_another_shape_are_malformed(tensors):
    request = EmbeddingsRequest(inputs=(EmbeddingInput("a"), EmbeddingInput("b")))
    with pytest.raises(MalformedAnswerError):
        KServe().decode(request, 200, {}, json.dumps(response(*tensors)).encode())


def test_token_ids_and_addresses_of_http_are_refused():
    with pytest.raises(UnsupportedFieldError, match="token ids"):
        KServe().encode(EmbeddingsRequest(inputs=(EmbeddingInput(token_ids=TokenIds((1,))),)), endpoint(), stream=False)
    with pytest.raises(UnsupportedFieldError, match="grpc://"):
        KServe().encode(asked(), endpoint(address="http://up"), stream=False)


def test_several_stop_sequences_need_a_tensor():
    encoded = KServe().encode(asked(stop_sequences=("a", "b")), endpoint(), stream=False)
    assert [warning.path for warning in encoded.warnings] == ["chat.stop_sequences"]
    custom = CustomFormat(tensors={"stop_sequences": "stop_words"})
    encoded = KServe(custom).encode(asked(stop_sequences=("a", "b")), endpoint(custom), stream=False)
    infer: Any = encoded.call.request
    assert encoded.warnings == ()
    assert infer.inputs[1].raw == b"\x01\0\0\0a\x01\0\0\0b"


def test_a_setting_that_the_model_does_not_have_is_named():
    custom = CustomFormat(tensors={"temperature": "-", "top_k": "k:INT8"})
    encoded = KServe(custom).encode(asked(temperature=0.5, top_k=5), endpoint(custom), stream=False)
    assert [warning.path for warning in encoded.warnings] == ["chat.temperature"]
    with pytest.raises(UnsupportedFieldError, match=r"chat\.top_k: cannot be written as INT8"):
        KServe(custom).encode(asked(top_k=500), endpoint(custom), stream=False)


NUMBERS: dict[str, list[Any]] = {
    "INT8": [-1], "INT16": [-300], "INT32": [-70_000], "INT64": [-(2**40)], "UINT8": [255], "UINT16": [65_535],
    "UINT32": [2**32 - 1], "UINT64": [2**64 - 1], "FP32": [0.5], "FP64": [0.1], "BOOL": [True, False],
}  # fmt: skip


@pytest.mark.parametrize("datatype", NUMBERS)
def test_elements_of_every_type_survive_the_way_out_and_back(datatype):
    values = NUMBERS[datatype]
    wire = pb.ModelInferResponse(
        outputs=[pb.InferOutputTensor(name="t", datatype=datatype, shape=[len(values)])],
        raw_output_contents=[packed(values, datatype)],
    )
    assert json.loads(response_json(wire.SerializeToString()))["outputs"][0]["data"] == values


def test_half_floats_are_read():
    wire = pb.ModelInferResponse(
        outputs=[pb.InferOutputTensor(name="t", datatype="FP16", shape=[1])],
        raw_output_contents=[struct.pack("<e", 1.5)],
    )
    assert json.loads(response_json(wire.SerializeToString()))["outputs"][0]["data"] == [1.5]


def test_the_request_on_the_wire_is_what_the_protocol_says():
    call = KServe().encode(asked("hi", max_output_tokens=3), endpoint(), stream=True).call
    infer: Any = call.request
    sent = pb.ModelInferRequest.FromString(request_bytes(infer))
    assert [(one.name, one.datatype, list(one.shape)) for one in sent.inputs] == [
        ("text_input", "BYTES", [1]),
        ("stream", "BOOL", [1]),
    ]
    assert list(sent.raw_input_contents) == [b"\x02\0\0\0hi", b"\x01"]
    assert sent.parameters["max_tokens"].int64_param == 3
    assert "hi" not in repr(call)
