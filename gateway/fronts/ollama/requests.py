"""What a caller of Ollama's API asks for, in canonical form."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airegistry.dialects.ollama.relays import OwnWords
from airegistry.errors import FieldViolation, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.fields import Fields, body_fields, wrong
from gateway.fronts.ollama.messages import images_of, messages_of
from gateway.fronts.ollama.options import lost_of, options_of, tools_of

CHAT: Final = "ollama.chat"
EMBED: Final = "ollama.embed"

_NATIVE: Final = ("raw", "suffix", "template", "context", "width", "height", "steps")
"""Fields of `/api/generate` that ask for what only a server of this format does."""

_NO_TIME: Final = re.compile(r"0+(?:\.0+)?(?:ns|us|ms|s|m|h)?")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `/api/chat` or `/api/generate`.

    *request* is OwnWords for what has no canonical form: `native` then names the fields, and `loads` says that nothing is
    asked at all, so that the model is only to be loaded (or unloaded). `warnings` name what is lost on the way to other
    formats.
    """

    model: str
    request: ChatRequest | OwnWords
    stream: bool = True
    native: tuple[str, ...] = ()
    loads: bool = False
    unloads: bool = False
    warnings: tuple[FieldWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """A call of `/api/embed` or `/api/embeddings`; *request* is None where there is nothing to embed."""

    model: str
    request: EmbeddingsRequest | None
    warnings: tuple[FieldWarning, ...] = ()


def read_chat(body: bytes) -> Call:
    """Read the body of `/api/chat`. Raises InvalidArgumentError."""
    fields = body_fields(body)
    model, stream = fields.needed("model"), _streams(fields)
    if not fields.items("messages"):
        return _loading(fields, model, body)
    messages, tools, options = messages_of(fields), tools_of(fields), options_of(fields)
    request = ChatRequest(messages=messages, tools=tools, **options)
    return Call(model, request, stream, warnings=tuple(lost_of(fields)))


def read_generate(body: bytes) -> Call:
    """Read the body of `/api/generate`: a prompt, and perhaps a system text and images. Raises InvalidArgumentError."""
    fields = body_fields(body)
    model, stream = fields.needed("model"), _streams(fields)
    native = tuple(name for name in _NATIVE if fields.take(name) not in (None, False, "", [], 0))
    prompt, system, images = fields.text("prompt"), fields.text("system"), images_of(fields)
    if native:
        return Call(model, OwnWords(CHAT, body=body), stream, native=native)
    if not (prompt or images):
        return _loading(fields, model, body)
    turns = [Message(Role.SYSTEM, _text(system))] if system else []
    turns.append(Message(Role.USER, (*(_text(prompt) if prompt else ()), *images)))
    request = ChatRequest(messages=tuple(turns), **options_of(fields))
    return Call(model, request, stream, warnings=tuple(lost_of(fields)))


def read_embed(body: bytes) -> EmbedCall:
    """Read the body of `/api/embed`. Raises InvalidArgumentError."""
    return _embed(body, _inputs)


def read_embeddings(body: bytes) -> EmbedCall:
    """Read the body of `/api/embeddings`, the older form, for one text. Raises InvalidArgumentError."""
    return _embed(body, lambda fields: (fields.text("prompt"),))


def native_error(call: Call) -> UnsupportedFieldError:
    """Return the error for fields that nobody who serves the model can take."""
    reason = "needs a server of Ollama's own format, and none serves this model"
    return UnsupportedFieldError(violations=[FieldViolation(name, reason) for name in call.native])


def _streams(fields: Fields) -> bool:
    return fields.flag("stream") is not False


def _loading(fields: Fields, model: str, body: bytes) -> Call:
    keep = fields.take("keep_alive")
    unloads = keep == 0 or (isinstance(keep, str) and _NO_TIME.fullmatch(keep) is not None)
    return Call(model, OwnWords(CHAT, body=body), stream=False, loads=True, unloads=unloads)


def _text(words: str) -> tuple[ContentBlock, ...]:
    return (ContentBlock(text=TextBlock(words)),)


def _embed(body: bytes, inputs_of: Callable[[Fields], tuple[str, ...]]) -> EmbedCall:
    fields = body_fields(body)
    model, inputs = fields.needed("model"), inputs_of(fields)
    dimensions = fields.whole("dimensions") or None
    fields.nested("options")
    lost = tuple(lost_of(fields))
    if not any(inputs):
        return EmbedCall(model, None)
    request = EmbeddingsRequest(tuple(EmbeddingInput(text=text) for text in inputs), dimensions)
    return EmbedCall(model, request, lost)


def _inputs(fields: Fields) -> tuple[str, ...]:
    value = fields.take("input")
    if isinstance(value, str):
        return (value,)
    if value is None or isinstance(value, list):
        return fields.texts("input")
    raise wrong("input", "must be a string or an array of strings")
