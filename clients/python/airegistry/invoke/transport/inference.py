"""Requests of the Open Inference Protocol as bytes, and its responses as the protocol's own JSON."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
from google.protobuf.message import DecodeError

from airegistry.dialects.inference import InferRequest, Parameter
from airegistry.errors import MalformedAnswerError
from airegistry.inference.v2 import inference_pb2 as pb

_SERVICE: Final = "/inference.GRPCInferenceService/"
_NUMBERS: Final[Mapping[str, str]] = {
    "BOOL": "?",
    "INT8": "<i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "<u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


class InferenceWire:
    """One request to a model."""

    whole: Final = f"{_SERVICE}ModelInfer"
    streamed: Final = f"{_SERVICE}ModelStreamInfer"
    lingers: Final = False

    def __init__(self, request: InferRequest) -> None:
        self._request = request

    def request(self) -> bytes:
        """Return the request as it goes over the wire."""
        return request_bytes(self._request)

    def response_json(self, data: bytes) -> bytes:
        """Return a whole answer as JSON. Raises MalformedAnswerError."""
        return response_json(data)

    def streamed_json(self, data: bytes) -> bytes:
        """Return one message of a stream as JSON. Raises MalformedAnswerError."""
        return streamed_json(data)

    def undo(self) -> None:
        """Return that nothing is left to end: a model stops when the call does."""


def request_bytes(request: InferRequest) -> bytes:
    """Return a request as it goes over the wire."""
    message = pb.ModelInferRequest(model_name=request.model)
    for name, value in request.parameters.items():
        _set(message.parameters[name], value)
    for tensor in request.inputs:
        message.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        message.raw_input_contents.append(tensor.raw)
    return message.SerializeToString()


def response_json(data: bytes) -> bytes:
    """Return a whole response as JSON. Raises MalformedAnswerError."""
    return orjson.dumps(_plain(_parsed(pb.ModelInferResponse, data)), option=orjson.OPT_SERIALIZE_NUMPY)


def streamed_json(data: bytes) -> bytes:
    """Return one message of a stream as JSON: a response, or an object with `error`. Raises MalformedAnswerError."""
    seen = _parsed(pb.ModelStreamInferResponse, data)
    if seen.outputs or seen.id:
        return response_json(data)
    if seen.error_message:
        return orjson.dumps({"error": {"message": seen.error_message}})
    return response_json(seen.infer_response)


def _parsed(message: Any, data: bytes) -> Any:
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise MalformedAnswerError("the answer is no message of the Open Inference Protocol") from error


def _set(parameter: Any, value: Parameter) -> None:
    if isinstance(value, bool):
        parameter.bool_param = value
    elif isinstance(value, int):
        parameter.int64_param = value
    else:
        parameter.string_param = value


def _plain(response: Any) -> dict[str, Any]:
    raw = list(response.raw_output_contents)
    if raw and len(raw) != len(response.outputs):
        raise MalformedAnswerError("the answer's tensors and their contents differ in number")
    outputs = [_tensor(tensor, raw[i] if raw else None) for i, tensor in enumerate(response.outputs)]
    return {
        "model_name": response.model_name,
        "model_version": response.model_version,
        "id": response.id,
        "parameters": {name: _value(parameter) for name, parameter in response.parameters.items()},
        "outputs": outputs,
    }


def _value(parameter: Any) -> Any:
    given = parameter.WhichOneof("parameter_choice")
    return getattr(parameter, given) if given is not None else None


def _tensor(tensor: Any, raw: bytes | None) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
    if tensor.datatype == "BYTES":
        texts = list(tensor.contents.bytes_contents if raw is None else _texts(raw, tensor.name))
        try:
            return {**plain, "data": [text.decode() for text in texts]}
        except UnicodeDecodeError:
            # A character may be cut between two messages: the reader puts it together again.
            return {**plain, "base64": [base64.b64encode(text).decode() for text in texts]}
    return {**plain, "data": _numbers(tensor, raw)}


def _texts(raw: bytes, name: str) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        end = at + 4 + (struct.unpack_from("<I", raw, at)[0] if at + 4 <= len(raw) else len(raw))
        if end > len(raw):
            raise MalformedAnswerError(f"tensor {name[:64]} has an element without an end")
        yield raw[at + 4 : end]
        at = end


def _numbers(tensor: Any, raw: bytes | None) -> Sequence[Any] | np.ndarray[Any, Any]:
    if raw is None:
        lists = (values for field, values in tensor.contents.ListFields() if field.name != "bytes_contents")
        return list(next(lists, ()))
    kind = _NUMBERS.get(tensor.datatype)
    if kind is None or len(raw) % np.dtype(kind).itemsize:
        raise MalformedAnswerError(f"tensor {tensor.name[:64]} is not a row of {tensor.datatype[:16] or 'nothing'}")
    numbers = np.frombuffer(raw, kind)
    return numbers.astype("<f4") if tensor.datatype == "FP16" else numbers
