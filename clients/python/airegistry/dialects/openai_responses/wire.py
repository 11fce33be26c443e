"""A request in the words of its caller, made to fit a target."""

from __future__ import annotations

from typing import Any, Final

import orjson

from airegistry.dialects.openai_responses.request import responses_head
from airegistry.dialects.relaying import relayed
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import ChatRequest

_OURS: Final = ("model", "stream", "max_output_tokens", "temperature")
"""Wire fields that are never passed on as a caller wrote them: `responses_head` gives them."""


def relayed_request(wire: bytes, request: ChatRequest, upstream_model: str, *, stream: bool) -> bytes:
    """Return the caller's body with what is ours to change in it.

    `reasoning` keeps its bytes unless a route asks for another effort; the rest of it stays even then.
    """
    ours: tuple[str, ...] = _OURS
    head: dict[str, Any] = responses_head(request, upstream_model, stream=stream)
    effort = request.reasoning.effort if request.reasoning else ""
    if effort and effort != (said := _reasoning(wire)).get("effort"):
        ours = (*ours, "reasoning")
        head["reasoning"] = {**said, "effort": effort}
    return relayed(wire, ours, head)


def _reasoning(wire: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(wire).get("reasoning")
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise InvalidArgumentError("the body is not a JSON object") from error
    return said if isinstance(said, dict) else {}
