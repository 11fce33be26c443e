"""What a client asks for, read from the body of its request and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from demo_backend.cards import CARDS, CHAT, EMBEDDING, EMBEDDING_DIMENSIONS, ModelCard
from demo_backend.errors import ApiError, bad_parameter
from demo_backend.fields import Fields, kind
from demo_backend.sampling import Sampling

MAX_CHOICES: Final = 8
MAX_STOPS: Final = 4
MAX_INPUTS: Final = 2048
ROLES: Final = ("system", "developer", "user", "assistant")

# They concern the caller's records or the provider's machines, not the answer.
_WITHOUT_EFFECT: Final = (
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "parallel_tool_calls",
)
_NO_TOOLS: Final = "This model does not support tools."


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A checked chat completion request; `top_logprobs` is None when no log-probabilities are asked for."""

    messages: tuple[Message, ...]
    sampling: Sampling
    stops: tuple[str, ...]
    choices: int
    max_tokens: int | None
    seed: int | None
    top_logprobs: int | None
    stream: bool
    include_usage: bool


@dataclass(frozen=True, slots=True)
class EmbeddingsRequest:
    """A checked embeddings request."""

    inputs: tuple[str, ...]
    dimensions: int
    base64: bool


def chat_request_from(fields: Fields) -> ChatRequest:
    """Read a chat completion request; what the model cannot do is refused, never dropped."""
    _check_model(fields, CHAT)
    _refuse_the_impossible(fields)
    stream = bool(fields.flag("stream"))
    request = ChatRequest(
        messages=_messages(fields),
        sampling=Sampling(
            temperature=_or(fields.number("temperature", 0, 2), 1.0),
            top_p=_or(fields.number("top_p", 0, 1), 1.0),
            frequency_penalty=_or(fields.number("frequency_penalty", -2, 2), 0.0),
            presence_penalty=_or(fields.number("presence_penalty", -2, 2), 0.0),
        ),
        stops=_stops(fields),
        choices=fields.whole("n", 1, MAX_CHOICES) or 1,
        max_tokens=_max_tokens(fields),
        seed=fields.whole("seed"),
        top_logprobs=_top_logprobs(fields),
        stream=stream,
        include_usage=_include_usage(fields, stream=stream),
    )
    fields.refuse_others()
    return request


def embeddings_request_from(fields: Fields) -> EmbeddingsRequest:
    """Read an embeddings request."""
    _check_model(fields, EMBEDDING)
    format_ = fields.text("encoding_format") or "float"
    if format_ not in {"float", "base64"}:
        raise bad_parameter("encoding_format", "Invalid 'encoding_format': must be 'float' or 'base64'.")
    request = EmbeddingsRequest(
        inputs=_inputs(fields),
        dimensions=fields.whole("dimensions", 1, EMBEDDING_DIMENSIONS) or EMBEDDING_DIMENSIONS,
        base64=format_ == "base64",
    )
    fields.ignore(("user",))
    fields.refuse_others()
    return request


def model_card(id_: str) -> ModelCard:
    """Return the card of a model that exists."""
    card = CARDS.get(id_)
    if card is None:
        raise ApiError(404, f"The model '{id_}' does not exist.", code="model_not_found", param="model")
    return card


def check_context(card: ModelCard, prompt: int, completion: int, param: str) -> None:
    """Fail when the tokens do not fit into the model's window."""
    if prompt + completion <= card.context_window:
        return
    wanted = f", and {completion} more are wanted for the completion" if completion else ""
    raise bad_parameter(
        param,
        f"This model's maximum context length is {card.context_window} tokens. "
        f"However, your {param} resulted in {prompt} tokens{wanted}.",
        "context_length_exceeded",
    )


def _check_model(fields: Fields, wanted: ModelCard) -> None:
    id_ = fields.text("model")
    if id_ is None:
        raise bad_parameter("model", "You must provide a model parameter.", "missing_required_parameter")
    card = model_card(id_)
    if card is not wanted:
        raise bad_parameter("model", f"'{id_}' serves {card.task}; '{wanted.id}' serves this URL.")


def _refuse_the_impossible(fields: Fields) -> None:
    for name in ("tools", "functions", "function_call"):
        fields.refuse(name, _NO_TOOLS)
    if fields.take("tool_choice") not in (None, "none", "auto"):
        raise bad_parameter("tool_choice", _NO_TOOLS, "unsupported_parameter")
    for name in ("audio", "prediction", "web_search_options", "logit_bias"):
        if fields.take(name) not in (None, {}):
            fields.refuse(name, f"This model does not support '{name}'.")
    if fields.take("modalities") not in (None, ["text"]):
        fields.refuse("modalities", "This model writes text only.")
    format_ = fields.nested("response_format")
    if format_ is not None and format_.text("type") != "text":
        raise bad_parameter("response_format", "This model writes plain text only.", "unsupported_parameter")
    fields.ignore(_WITHOUT_EFFECT)


def _messages(fields: Fields) -> tuple[Message, ...]:
    items = fields.items("messages")
    if not items:
        raise bad_parameter("messages", "'messages' must be a non-empty array.", "missing_required_parameter")
    return tuple(_message(item, f"messages[{index}]") for index, item in enumerate(items))


def _message(item: Any, where: str) -> Message:
    if not isinstance(item, dict):
        raise bad_parameter(
            where,
            f"Invalid type for '{where}': expected an object, got {kind(item)}.",
            "invalid_type",
        )
    fields = Fields(item, f"{where}.")
    role = fields.text("role")
    if role in {"tool", "function"} or item.get("tool_calls"):
        raise bad_parameter(where, _NO_TOOLS, "unsupported_parameter")
    if role not in ROLES:
        raise bad_parameter(
            fields.path("role"),
            f"Invalid '{fields.path('role')}': must be one of {', '.join(ROLES)}.",
        )
    return Message(role, _content(fields))


def _content(fields: Fields) -> str:
    path = fields.path("content")
    content = fields.take("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        message = f"Invalid type for '{path}': expected a string or an array of parts, got {kind(content)}."
        raise bad_parameter(path, message, "invalid_type")
    return "".join(_part(part, f"{path}[{index}]") for index, part in enumerate(content))


def _part(part: Any, where: str) -> str:
    if not isinstance(part, dict) or part.get("type") != "text":
        raise bad_parameter(where, f"This model reads text only: '{where}' must be a part of type 'text'.")
    text = Fields(part, f"{where}.").text("text")
    if text is None:
        raise bad_parameter(
            f"{where}.text",
            f"Missing required parameter: '{where}.text'.",
            "missing_required_parameter",
        )
    return text


def _stops(fields: Fields) -> tuple[str, ...]:
    value = fields.take("stop")
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise bad_parameter(
            "stop",
            "Invalid type for 'stop': expected a string or an array of strings.",
            "invalid_type",
        )
    if len(stops) > MAX_STOPS or "" in stops:
        raise bad_parameter("stop", f"Invalid 'stop': at most {MAX_STOPS} strings, none of them empty.")
    return tuple(stops)


def _max_tokens(fields: Fields) -> int | None:
    old = fields.whole("max_tokens", 1)
    new = fields.whole("max_completion_tokens", 1)
    if old is not None and new is not None and old != new:
        raise bad_parameter("max_tokens", "Give either 'max_tokens' or 'max_completion_tokens'.")
    return old if new is None else new


def _top_logprobs(fields: Fields) -> int | None:
    wanted = fields.flag("logprobs")
    top = fields.whole("top_logprobs", 0, 20)
    if top is not None and not wanted:
        raise bad_parameter("top_logprobs", "'top_logprobs' needs 'logprobs': true.")
    return (top or 0) if wanted else None


def _include_usage(fields: Fields, *, stream: bool) -> bool:
    options = fields.nested("stream_options")
    if options is None:
        return False
    if not stream:
        raise bad_parameter("stream_options", "'stream_options' needs 'stream': true.")
    wanted = bool(options.flag("include_usage"))
    options.ignore(("include_obfuscation",))
    options.refuse_others()
    return wanted


def _inputs(fields: Fields) -> tuple[str, ...]:
    value = fields.take("input")
    inputs = [value] if isinstance(value, str) else value
    if not isinstance(inputs, list) or not inputs:
        raise bad_parameter("input", "'input' must be a string or a non-empty array of strings.", "invalid_type")
    if len(inputs) > MAX_INPUTS:
        raise bad_parameter("input", f"Invalid 'input': at most {MAX_INPUTS} strings.")
    for index, text in enumerate(inputs):
        if isinstance(text, int | list):
            raise bad_parameter("input", "Arrays of tokens are not supported: send 'input' as text.", "invalid_type")
        if not isinstance(text, str) or not text:
            raise bad_parameter(f"input[{index}]", f"'input[{index}]' must be a string that is not empty.")
    return tuple(inputs)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
