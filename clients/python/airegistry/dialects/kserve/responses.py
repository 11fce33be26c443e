"""Responses of a model, whole or streamed, as pieces of an answer."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.custom.finish import reason_of
from airegistry.dialects.errors import error_within
from airegistry.dialects.kserve.names import Names
from airegistry.dialects.vectors import check_count, row_of
from airegistry.errors import MalformedAnswerError
from airegistry.invocations.chat import ChatDelta, ChatRequest, FinishReason
from airegistry.invocations.embeddings import Embedding
from airegistry.invocations.streaming import StreamItem, StreamStarted, UsageSeen
from airegistry.invocations.usage import Usage

_UNENDED: Final = ("", "None", "null")
_FINAL: Final = "triton_final_response"
_FLOATS: Final = ("FP16", "FP32", "FP64")
_MAX_CHOICES: Final = 128

Response = Mapping[str, Any]


class Pieces:
    """What one answer has given so far. Counts of a stream are of each response by itself."""

    def __init__(self, names: Names, reasons: Mapping[str, FinishReason], request: ChatRequest) -> None:
        self._names = names
        self._reasons = reasons
        self._limit = request.max_output_tokens
        self._decoders: dict[int, codecs.IncrementalDecoder] = {}
        self._words: dict[int, str] = {}
        self._usage: Usage | None = None
        self._begun = False
        self.over = False

    def take(self, value: Any) -> list[StreamItem]:
        """Take a response and return what it adds."""
        response = reading.mapping(value, "a response")
        if (error := error_within(response)) is not None:
            raise error
        items: list[StreamItem] = [] if self._begun else [self._started(response)]
        tensors = {reading.text(one, "name", "a tensor"): one for one in reading.objects(response, "outputs", "answer")}
        items.extend(self._texts(tensors))
        for index, word in enumerate(_elements(tensors.get(self._names.output("finish_reason")))):
            if str(word) not in _UNENDED:
                self._words[index] = str(word)
        if (usage := self._used(tensors)) is not None:
            items.append(UsageSeen(usage))
        self.over = self.over or reading.nested(response, "parameters", "answer").get(_FINAL) is True
        return items

    def close(self) -> list[StreamItem]:
        """Return how the answer ended, after it did. Raises MalformedAnswerError when it never had a text."""
        if not self._decoders:
            raise MalformedAnswerError("the answer has no tensor with a text")
        items: list[StreamItem] = []
        for index, decoder in sorted(self._decoders.items()):
            if rest := decoder.decode(b"", final=True):
                items.append(ChatDelta(index, text=rest))
            word = self._words.get(index, "")
            items.append(ChatDelta(index, finish_reason=self._reason(word), upstream_finish_reason=word))
        return items

    def _started(self, response: Response) -> StreamStarted:
        self._begun = True
        return StreamStarted(reading.text(response, "id", "answer"), reading.text(response, "model_name", "answer"))

    def _texts(self, tensors: Mapping[str, Response]) -> Iterator[ChatDelta]:
        told = self._names.output("finish_reason")
        others = [tensor for name, tensor in tensors.items() if name != told and tensor.get("datatype") == "BYTES"]
        # A model with one text to give has no need to call it what others do.
        only = others[0] if len(others) == 1 and not self._names.told("output.text") else None
        for index, piece in enumerate(_texts_of(tensors.get(self._names.output("text"), only))):
            decoder = self._decoders.get(index)
            if decoder is None:
                decoder = self._decoders[index] = codecs.getincrementaldecoder("utf-8")("replace")
            if words := decoder.decode(piece):
                yield ChatDelta(index, text=words)

    def _used(self, tensors: Mapping[str, Response]) -> Usage | None:
        given = _count(tensors.get(self._names.output("input_tokens")))
        made = _count(tensors.get(self._names.output("output_tokens")))
        if given is None and made is None:
            return None
        before = self._usage or Usage()
        total = (before.output_tokens or 0) + made if made is not None else before.output_tokens
        usage = Usage(input_tokens=given if given is not None else before.input_tokens, output_tokens=total)
        if usage == self._usage:
            return None
        self._usage = usage
        return usage

    def _reason(self, word: str) -> FinishReason:
        if word:
            return reason_of(word, self._reasons)
        made = self._usage.output_tokens if self._usage is not None else None
        cut = self._limit is not None and made is not None and made >= self._limit
        return FinishReason.LENGTH if cut else FinishReason.STOP


def vectors_of(value: Any, names: Names, *, wanted: int) -> tuple[Embedding, ...]:
    """Return the vectors of a response, one per input."""
    tensors = reading.objects(reading.mapping(value, "a response"), "outputs", "answer")
    named = [tensor for tensor in tensors if tensor.get("name") == names.output("embeddings")]
    floats = [tensor for tensor in tensors if tensor.get("datatype") in _FLOATS]
    (tensor, *more) = named or floats or [{}]
    if more or tensor.get("datatype") not in _FLOATS:
        raise MalformedAnswerError("the answer has no one tensor of vectors; the endpoint can name it")
    shape, numbers = tensor.get("shape"), _elements(tensor)
    sizes = [size for size in shape if size != 1] if isinstance(shape, list) else []
    if not numbers or len(sizes) > 2 or not all(isinstance(size, int) and size > 0 for size in sizes):  # noqa: PLR2004 - inputs and dimensions
        raise MalformedAnswerError("the answer's vectors are not of one dimension for each input")
    length = len(numbers) // wanted
    rows = [numbers[i : i + length] for i in range(0, len(numbers), length or 1)]
    check_count(rows, wanted)
    return tuple(Embedding(i, row_of(row, f"vector {i}")) for i, row in enumerate(rows))


def _elements(tensor: Response | None) -> Sequence[Any]:
    data = tensor.get("data") if tensor is not None else None
    return data if isinstance(data, list) else ()


def _texts_of(tensor: Response | None) -> list[bytes]:
    if tensor is None:
        return []
    encoded, plain = tensor.get("base64"), _elements(tensor)
    pieces = encoded if isinstance(encoded, list) else plain
    if len(pieces) > _MAX_CHOICES or not all(isinstance(piece, str) for piece in pieces):
        raise MalformedAnswerError("the answer's text is no text")
    if pieces is encoded:
        return [reading.base64_bytes(piece, "a text") for piece in pieces]
    return [piece.encode("utf-8", "replace") for piece in pieces]


def _count(tensor: Response | None) -> int | None:
    elements = _elements(tensor)
    return reading.count({"count": elements[0]}, "count", "tokens") if elements else None
