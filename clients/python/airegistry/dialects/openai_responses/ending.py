"""How a response ended: why its answer did, or which error stands in the place of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from airegistry.dialects import reading
from airegistry.dialects.errors import error_within
from airegistry.errors import ProviderError, ProviderFailedError
from airegistry.invocations.chat import FinishReason

_INCOMPLETE: Final = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_COMPLETED: Final = ("completed", "")
_FAILED: Final = ("failed", "cancelled")
_IMAGE_FAULTS: Final = (
    "invalid_image",
    "invalid_base64_image",
    "image_",
    "unsupported_image",
    "empty_image",
    "failed_to_download_image",
)
"""How the codes begin that blame an image of the request."""

_BAD_REQUEST: Final = 400


def finish_of(response: Mapping[str, Any], *, called: bool, refused: bool) -> tuple[FinishReason, str]:
    """Return why an answer ended, in our word and in the provider's. Raises the ProviderError of one that failed."""
    status = reading.text(response, "status", "response")
    if status in _FAILED:
        raise failure_of(response)
    if status in _COMPLETED:
        return _natural(called=called, refused=refused), status or "completed"
    details = reading.nested(response, "incomplete_details", "response")
    reason = reading.text(details, "reason", "response.incomplete_details")
    return _INCOMPLETE.get(reason, FinishReason.OTHER), reason or status


def failure_of(response: Mapping[str, Any]) -> ProviderError:
    """Return the error that a failed response means."""
    error = response.get("error")
    if not error:
        return ProviderFailedError("the provider failed, and did not say why")
    if isinstance(error, Mapping) and str(error.get("code")).startswith(_IMAGE_FAULTS):
        # It comes with a status of success, and is the request's fault all the same.
        error = {"status": _BAD_REQUEST, **error}
    return error_within({"error": error}) or ProviderFailedError("the provider failed")


def _natural(*, called: bool, refused: bool) -> FinishReason:
    if called:
        return FinishReason.TOOL_CALLS
    return FinishReason.REFUSAL if refused else FinishReason.STOP
