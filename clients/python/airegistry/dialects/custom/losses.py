"""What of a request a template does not write: refused where that changes what is asked, else named in a warning."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from airegistry.dialects.exchange import Input
from airegistry.dialects.hints import CHAT_HINTS
from airegistry.errors import FieldViolation, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, Message
from airegistry.invocations.content import ContentBlock
from airegistry.invocations.invocation import Warning as FieldWarning

# By kind: what makes another question of it when it is left out, what only makes another answer likely, and what a
# template may take instead.
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "chat": ("tools", "tool_choice", "response_format", "choice_count", "output_modalities"),
    "embeddings": ("dimensions",),
    "image": ("images", "count"),
    "rerank": ("query", "documents"),
}
_USEFUL: Final[Mapping[str, tuple[str, ...]]] = {
    "chat": CHAT_HINTS,
    "embeddings": ("purpose", "user"),
    "image": ("size", "quality", "media_type"),
    "rerank": ("top_n", "return_documents"),
}
_FIELDS: Final = {"images": "inputs", "choice_count": "choice_count"}
_BLOCKS: Final = ("image", "audio", "video", "file", "tool_call", "tool_result", "refusal", "thinking")
_HARMLESS: Final = frozenset({"thinking", "refusal"})
# What says the same as nothing.
_EMPTY: Final[tuple[Any, ...]] = (None, [], False, {"mode": "auto", "name": None}, ["text"])
_UNSAID: Final = "the endpoint's template does not write it"


def losses(request: Input, context: Mapping[str, Any], written: Collection[str]) -> list[FieldWarning]:
    """Return what is set and not among the variables that are *written*. Raises UnsupportedFieldError for what must not be left out."""
    kind = context["kind"]
    violations = [
        FieldViolation(f"{kind}.{_FIELDS.get(name, name)}", _UNSAID)
        for name in _unsaid(_NEEDED[kind], context, written)
    ]
    violations += _conversation(context, written) if kind == "chat" else _inputs(context, written)
    if violations:
        raise UnsupportedFieldError(violations=violations)
    warnings = [
        FieldWarning(f"{kind}.{name}", f"{_UNSAID}; not sent") for name in _unsaid(_USEFUL[kind], context, written)
    ]
    if "extra" not in written:
        warnings += [FieldWarning(f"{kind}.extra.{name}", f"{_UNSAID}; not sent") for name in context["extra"]]
    return [*warnings, *_marks(request)]


def _unsaid(names: tuple[str, ...], context: Mapping[str, Any], written: Collection[str]) -> Iterator[str]:
    for name in names:
        value = context[name]
        one = name in ("choice_count", "count") and value == 1
        plain = name == "response_format" and value is not None and value["kind"] == "text"
        if name not in written and value not in _EMPTY and not one and not plain:
            yield name


def _conversation(context: Mapping[str, Any], written: Collection[str]) -> Iterator[FieldViolation]:
    if "messages" in written:
        return
    if context["system"] is not None and "system" not in written:
        yield FieldViolation("chat.messages", "the endpoint's template does not write system messages")
    if "turns" not in written and (len(context["turns"]) != 1 or context["prompt"] is None):
        yield FieldViolation("chat.messages", "the endpoint's template writes one message of the user, and no more")


def _inputs(context: Mapping[str, Any], written: Collection[str]) -> Iterator[FieldViolation]:
    if context["kind"] == "embeddings" and "inputs" not in written and len(context["inputs"]) != 1:
        yield FieldViolation("embeddings.inputs", "the endpoint's template writes one input, and no more")


def _marks(request: Input) -> Iterator[FieldWarning]:
    for i, message in enumerate(request.messages if isinstance(request, ChatRequest) else ()):
        for j, block in enumerate(message.content):
            if block.cache_control:
                path = f"chat.messages[{i}].content[{j}].cache_control"
                yield FieldWarning(path, "a declared format has no place for it; not sent")


def block_losses(request: Input, written: str, write: Callable[[Input], str]) -> list[FieldWarning]:
    """Return which kinds of content change nothing in what is written: they are not in it.

    Raises UnsupportedFieldError for those that must not be left out.
    """
    warnings: list[FieldWarning] = []
    if not isinstance(request, ChatRequest):
        return warnings
    for kind in _BLOCKS:
        place = _place(request, kind)
        if place is None or write(_without(request, kind)) != written:
            continue
        if kind not in _HARMLESS:
            raise UnsupportedFieldError.of(place, _UNSAID)
        warnings.append(FieldWarning(place, f"{_UNSAID}; not sent"))
    return warnings


def _place(request: ChatRequest, kind: str) -> str | None:
    for i, message in enumerate(request.messages):
        for j, block in enumerate(message.content):
            if getattr(block, kind) is not None:
                return f"chat.messages[{i}].content[{j}].{kind}"
    return None


def _without(request: ChatRequest, kind: str) -> ChatRequest:
    def emptied(message: Message) -> Message:
        # A hollow block of the same kind stays: a template that writes only how many there are does not write them.
        return replace(message, content=tuple(_hollow(block, kind) for block in message.content))

    return replace(request, messages=tuple(map(emptied, request.messages)))


def _hollow(block: ContentBlock, kind: str) -> ContentBlock:
    found = getattr(block, kind)
    return block if found is None else replace(block, **{kind: type(found)()})
