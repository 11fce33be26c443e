"""The rules for declared wire formats.

Whether templates and paths compile is checked where their libraries are, which the extra `invoke` brings (the registry has
them); without them only names and sizes are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from airegistry.errors import FieldViolation, ProviderError
from airegistry.resources.custom import fields
from airegistry.resources.endpoint import Communication, CustomFormat
from airegistry.resources.validation.rules import Violations, at_key, limited, required, size, text

MAX_ENTRIES: Final = 64
MAX_WORD_BYTES: Final = 256

_METHODS: Final = ("", "POST", "PUT", "PATCH")
_ENDS: Final = ("text", "tool_calls")


def check_custom(communication: Communication, path: str) -> Violations:
    """Yield what is wrong with the declared format of a communication schema that stands at *path*."""
    custom, where = communication.custom, f"{path}.custom"
    if custom is None:
        if communication.dialect == "custom":
            yield FieldViolation(where, "is required by the dialect custom")
        return
    match communication.dialect:
        case "custom":
            yield from _check_format(custom, where)
        case "kserve.v2":
            yield from _check_tensors(custom.tensors, f"{where}.tensors")
        case "tgi.generate":
            if custom != CustomFormat(request_template=custom.request_template):
                yield FieldViolation(where, "has a request_template and nothing else with the dialect tgi.generate")
        case _:
            yield FieldViolation(where, "must be unset unless the dialect is custom, kserve.v2 or tgi.generate")
            return
    yield from _check_template(communication, custom, f"{where}.request_template")


def _check_format(custom: CustomFormat, path: str) -> Violations:
    yield from required(custom.request_template, f"{path}.request_template")
    yield from size(custom.response_paths, f"{path}.response_paths", least=1, most=MAX_ENTRIES)
    yield from _paths(custom.response_paths, fields.ANSWER, f"{path}.response_paths")
    yield from _paths(custom.stream_paths, fields.CHAT, f"{path}.stream_paths")
    yield from _paths(custom.error_paths, fields.ERROR, f"{path}.error_paths")
    yield from _words(custom.finish_reasons, f"{path}.finish_reasons")
    yield from _words(custom.error_reasons, f"{path}.error_reasons")
    reasons = {error.reason for error in _family(ProviderError)}
    for word, reason in limited(custom.error_reasons.items(), most=MAX_ENTRIES):
        if reason not in reasons:
            yield FieldViolation(at_key(f"{path}.error_reasons", word), f"must be one of {', '.join(sorted(reasons))}")
    yield from _check_stream(custom, path)
    if custom.method not in _METHODS:
        yield FieldViolation(f"{path}.method", "must be POST, PUT or PATCH")
    if custom.tensors:
        yield FieldViolation(f"{path}.tensors", "must be unset unless the dialect is kserve.v2")


def _check_stream(custom: CustomFormat, path: str) -> Violations:
    yield from text(custom.stream_end, f"{path}.stream_end", max_bytes=MAX_WORD_BYTES)
    if not custom.stream_paths:
        return
    if not any(name in custom.stream_paths for name in _ENDS):
        yield FieldViolation(f"{path}.stream_paths", "must have a path for text or for tool_calls")
    if "finish_reason" not in custom.stream_paths and not custom.stream_end:
        yield FieldViolation(
            f"{path}.stream_paths", "must have a path for finish_reason, or stream_end be set, else no end can be told"
        )


def _check_tensors(tensors: Mapping[str, str], path: str) -> Violations:
    yield from _names(tensors, fields.TENSORS, path)
    for name, value in limited(tensors.items(), most=MAX_ENTRIES):
        if name == "rank":
            if value not in ("1", "2"):
                yield FieldViolation(at_key(path, name), "must be 1 or 2")
        elif not fields.TENSOR_FORM.fullmatch(value):
            yield FieldViolation(at_key(path, name), "must be NAME, NAME:DATATYPE, parameters.NAME or -")


def _paths(paths: Mapping[str, str], known: Collection[str], path: str) -> Violations:
    yield from _names(paths, known, path)
    compiler = _module("paths")
    for name, source in limited(paths.items(), most=MAX_ENTRIES):
        parent, dot, _ = name.partition(".")
        if dot and parent != "usage" and parent not in paths:
            yield FieldViolation(at_key(path, name), f"needs a path for {parent}: it is looked up in each of those")
        if compiler is None:
            continue
        try:
            compiler.compile_path(source)
        except compiler.PathError as error:
            yield FieldViolation(at_key(path, name), str(error))


def _names(entries: Mapping[str, str], known: Collection[str], path: str) -> Violations:
    yield from size(entries, path, most=MAX_ENTRIES)
    for name, value in limited(entries.items(), most=MAX_ENTRIES):
        if name not in known:
            yield FieldViolation(at_key(path, name), f"is not one of {', '.join(sorted(known))}")
        yield from text(value, at_key(path, name), max_bytes=2 * MAX_WORD_BYTES)


def _words(words: Mapping[str, Any], path: str) -> Violations:
    yield from size(words, path, most=MAX_ENTRIES)
    for word in limited(words, most=MAX_ENTRIES):
        yield from text(word, at_key(path, word), max_bytes=MAX_WORD_BYTES)


def _check_template(communication: Communication, custom: CustomFormat, path: str) -> Violations:
    trials = _module("trials")
    if trials is None or not custom.request_template:
        return
    try:
        trials.try_template(custom, writes_json=writes_json(communication))
    except trials.TemplateError as error:
        yield FieldViolation(path, str(error))


def writes_json(communication: Communication) -> bool:
    """Whether the template of a communication schema must give JSON."""
    media_type = communication.request_format.partition(";")[0].strip().lower()
    return communication.dialect == "custom" and (
        not media_type or media_type == "application/json" or media_type.endswith("+json")
    )


def _module(name: str) -> Any:
    if find_spec("jmespath") is None or find_spec("minijinja") is None or find_spec("orjson") is None:
        return None
    return import_module(f"airegistry.resources.custom.{name}")


def _family(cls: type[ProviderError]) -> Iterator[type[ProviderError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)
