"""What a caller of OpenAI's API asks for, in canonical form."""

from __future__ import annotations

from dataclasses import dataclass

from airegistry.errors import UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest, TokenIds
from airegistry.invocations.invocation import Warning as FieldWarning
from gateway.fronts.fields import Fields, body_fields, wrong
from gateway.fronts.openai.messages import messages_of
from gateway.fronts.openai.options import options_of


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A call of `/v1/chat/completions`. `warnings` names what below the top level has no canonical place."""

    model: str
    request: ChatRequest
    stream: bool = False
    include_usage: bool = False
    warnings: tuple[FieldWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class EmbeddingsCall:
    """A call of `/v1/embeddings`."""

    model: str
    request: EmbeddingsRequest
    base64: bool = False


def read_chat(body: bytes) -> ChatCall:
    """Read the body of a chat completion.

    Top-level fields without a canonical place go to `extra`, and so to targets of the same format untouched. Values are
    checked for their type here and for their range with the canonical request. Raises InvalidArgumentError.
    """
    fields = body_fields(body)
    for name, successor in (("functions", "tools"), ("function_call", "tool_choice")):
        if fields.take(name) is not None:
            raise UnsupportedFieldError.of(name, f"was replaced by `{successor}`")
    model = fields.needed("model")
    messages, options = messages_of(fields), options_of(fields)
    stream = bool(fields.flag("stream"))
    include_usage = _include_usage(fields, stream=stream)
    request = ChatRequest(messages=messages, **options, extra=fields.rest() or None)
    lost = tuple(FieldWarning(path, "this field is not known here; not sent") for path in fields.unread_below())
    return ChatCall(model, request, stream, include_usage, lost)


def read_embeddings(body: bytes) -> EmbeddingsCall:
    """Read the body of a request for embeddings. Raises InvalidArgumentError."""
    fields = body_fields(body)
    model = fields.needed("model")
    form = fields.text("encoding_format") or "float"
    if form not in ("float", "base64"):
        raise wrong("encoding_format", f"{form[:40]!r} is not one of float, base64")
    inputs, dimensions, user = _inputs(fields), fields.whole("dimensions"), fields.text("user")
    request = EmbeddingsRequest(inputs=inputs, dimensions=dimensions, user=user, extra=fields.rest() or None)
    return EmbeddingsCall(model, request, base64=form == "base64")


def _include_usage(fields: Fields, *, stream: bool) -> bool:
    options = fields.nested("stream_options")
    if options is None:
        return False
    if not stream:
        raise wrong("stream_options", "is allowed only when `stream` is true")
    # Padding against eavesdroppers on the provider's side; we send none either way.
    options.flag("include_obfuscation")
    return bool(options.flag("include_usage"))


def _inputs(fields: Fields) -> tuple[EmbeddingInput, ...]:
    """Read a text, several, a text as token ids, or several."""
    value = fields.take("input")
    if isinstance(value, str):
        return (EmbeddingInput(text=value),)
    if not isinstance(value, list) or not value:
        raise wrong(
            "input", "must be a string, or a non-empty array of strings, of token ids or of arrays of token ids"
        )
    if _is_token(value[0]):
        return (_tokens(value, "input"),)
    return tuple(_input(one, f"input[{i}]") for i, one in enumerate(value))


def _input(value: object, path: str) -> EmbeddingInput:
    if isinstance(value, str):
        return EmbeddingInput(text=value)
    if isinstance(value, list):
        return _tokens(value, path)
    raise wrong(path, "must be a string or an array of token ids")


def _tokens(values: list[object], path: str) -> EmbeddingInput:
    ids = tuple(value for value in values if isinstance(value, int) and not isinstance(value, bool))
    if len(ids) != len(values) or not all(0 <= one < 2**31 for one in ids):
        raise wrong(path, "must hold token ids only: integers from 0")
    return EmbeddingInput(token_ids=TokenIds(ids))


def _is_token(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
