"""A ChatRequest as the JSON of Anthropic's messages."""

from __future__ import annotations

from typing import Any, Final

from airegistry.dialects.anthropic.thinking import Thinking, budget_asked, thinking_of
from airegistry.dialects.anthropic.tools import is_forced, native_format, tool_fields, wants_json
from airegistry.dialects.anthropic.turns import TurnWriter
from airegistry.dialects.anthropic.variants import Variant, variant_of
from airegistry.errors import InvalidArgumentError, UnsupportedFieldError
from airegistry.invocations.chat import ChatRequest, ResponseFormatKind
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.resources.endpoint import Endpoint

DEFAULT_LIMIT: Final = 4096
"""Output tokens at most where neither the caller nor the endpoint says: the format demands a number, and every model takes
this one."""

_OWNED: Final = frozenset(
    (
        "model",
        "messages",
        "system",
        "max_tokens",
        "stop_sequences",
        "stream",
        "temperature",
        "top_p",
        "top_k",
        "tools",
        "tool_choice",
    )
)
"""Wire fields that the canonical request owns; `extra` must not repeat them, nor any other that it was written to."""

_THINKING_TOP_P: Final = 0.95
_NO_FIELD: Final = ("seed", "presence_penalty", "frequency_penalty", "top_logprobs")


class BodyWriter:
    """Writes one body, and collects in `warnings` what could not be expressed in it."""

    def __init__(self, request: ChatRequest, endpoint: Endpoint) -> None:
        self.warnings: list[FieldWarning] = []
        self.body: dict[str, Any] = {"model": endpoint.upstream_model}
        self._request = request
        self._endpoint = endpoint
        self._variant: Variant = variant_of(endpoint)

    def write_head(self, *, stream: bool) -> dict[str, Any]:
        """Return what depends on the target, on how the answer is to come, or on what a route may change."""
        self.body["max_tokens"] = self._limit()
        if self._request.temperature is not None:
            self.body["temperature"] = self._request.temperature
        if stream:
            self.body["stream"] = True
        return self.body

    def write(self, *, stream: bool) -> dict[str, Any]:
        """Return the whole body. Raises UnsupportedFieldError for what the format cannot say."""
        _refuse(self._request)
        self.body["max_tokens"] = self._limit()
        self._conversation()
        self._tools_and_form()
        self._sampling()
        self._rest()
        if stream:
            self.body["stream"] = True
        return self.body

    def write_for_counting(self) -> dict[str, Any]:
        """Return the body of the same request without what only matters to an answer."""
        body = self.write(stream=False)
        for name in ("max_tokens", "stop_sequences", "temperature", "top_p", "top_k", "metadata", "service_tier"):
            body.pop(name, None)
        return body

    def _limit(self) -> int:
        asked = self._request.max_output_tokens
        if asked is not None:
            return asked
        limits = self._endpoint.limits
        if limits is not None and limits.max_output_tokens is not None:
            return limits.max_output_tokens
        limit = DEFAULT_LIMIT + budget_asked(self._request.reasoning, self._variant)
        self._warn("max_output_tokens", f"this format demands it and the endpoint declares no limit; sent as {limit}")
        return limit

    def _conversation(self) -> None:
        writer = TurnWriter(self._variant)
        communication = self._endpoint.communication
        continues = bool(communication is not None and communication.continues_prefix)
        writer.write(self._request.messages, "chat.messages", continues_prefix=continues)
        self.warnings.extend(writer.warnings)
        if writer.system:
            plain = len(writer.system) == 1 and writer.system[0].keys() == {"type", "text"}
            self.body["system"] = writer.system[0]["text"] if plain else writer.system
        self.body["messages"] = writer.turns

    def _tools_and_form(self) -> None:
        form = self._request.response_format
        wanted = form is not None and wants_json(self._request)
        native = wanted and form is not None and form.kind is ResponseFormatKind.JSON_SCHEMA
        native = native and self._variant.structured_output
        tools, warnings = tool_fields(self._request, trick=wanted and not native)
        self.warnings.extend(warnings)
        thinking = thinking_of(self._request.reasoning, self.body["max_tokens"], self._variant)
        if thinking.on and is_forced(tools):
            thinking.config = None
            thinking.warn("", "a tool call that is forced leaves no room for thinking; not turned on")
        self._think(thinking)
        if native and form is not None:
            wire, warnings = native_format(form)
            self.body.setdefault("output_config", {})["format"] = wire
            self.warnings.extend(warnings)
        self.body.update(tools)

    def _think(self, thinking: Thinking) -> None:
        self.warnings.extend(thinking.warnings)
        if thinking.config is not None:
            self.body["thinking"] = thinking.config
        if thinking.effort:
            self.body["output_config"] = {"effort": thinking.effort}

    def _sampling(self) -> None:
        request, variant = self._request, self._variant
        given = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
        thinks = self.body.get("thinking", {}).get("type") in ("enabled", "adaptive")
        for name, value in given.items():
            if value is None:
                continue
            if not variant.sampling_parameters:
                self._warn(name, "the endpoint declares that it refuses it; not sent")
            elif thinks and not _goes_with_thinking(name, value):
                self._warn(name, "does not go with thinking; not sent")
            elif name == "top_p" and "temperature" in self.body and not variant.temperature_with_top_p:
                self._warn(name, "the endpoint takes this or a temperature, not both; not sent")
            else:
                self.body[name] = min(value, 1) if name == "temperature" else value
        if (request.temperature or 0) > 1 and "temperature" in self.body:
            self._warn("temperature", "1 is the most that this format takes; sent as that")
        if request.stop_sequences:
            self.body["stop_sequences"] = list(request.stop_sequences)
            self._check_stops()

    def _check_stops(self) -> None:
        limits = self._endpoint.limits
        most = limits.max_stop_sequences if limits is not None else None
        stops = self._request.stop_sequences
        if most is not None and len(stops) > most:
            raise UnsupportedFieldError.of("chat.stop_sequences", f"the endpoint takes {most} at most")
        for i, stop in enumerate(stops):
            if not stop.strip():
                raise UnsupportedFieldError.of(f"chat.stop_sequences[{i}]", "this format takes none of space alone")

    def _rest(self) -> None:
        request = self._request
        for name in _NO_FIELD:
            if getattr(request, name) is not None:
                self._warn(name, "this format has no field for it; not sent")
        if request.user:
            self.body["metadata"] = {"user_id": request.user}
        for name, value in (request.extra or {}).items():
            if name in _OWNED or name in self.body:
                raise InvalidArgumentError.of(f"chat.extra.{name}", "repeats a field of the request itself")
            self.body[name] = value

    def _warn(self, name: str, message: str) -> None:
        self.warnings.append(FieldWarning(f"chat.{name}", message))


def _refuse(request: ChatRequest) -> None:
    if (request.choice_count or 1) > 1:
        raise UnsupportedFieldError.of("chat.choice_count", "this format gives one answer")
    if any(modality != "text" for modality in request.output_modalities):
        raise UnsupportedFieldError.of("chat.output_modalities", "this format answers in text only")


def _goes_with_thinking(name: str, value: float) -> bool:
    return (name == "temperature" and value == 1) or (name == "top_p" and value >= _THINKING_TOP_P)
