"""What tests look at in calls: how a stream ends, and what an error says."""

from dataclasses import dataclass
from typing import Any

from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode, aio

EOF: Any = vars(aio)["EOF"]
"""What `read` returns after the last message. (The type stubs do not know it.)"""


@dataclass
class Refusal:
    """The status of a failed call."""

    code: StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    paths: list[str]


def refusal(error: aio.AioRpcError) -> Refusal:
    """Return what *error* says; it must have exactly one ErrorInfo, of our domain."""
    metadata: Any = error.trailing_metadata()
    (wire,) = (value for key, value in metadata if key == "grpc-status-details-bin")
    status = status_pb2.Status.FromString(wire)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    infos, paths = [], []
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            infos.append(error_details_pb2.ErrorInfo.FromString(detail.value))
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            paths += [v.field for v in error_details_pb2.BadRequest.FromString(detail.value).field_violations]
    (info,) = infos
    assert info.domain == "airegistry.dev"
    return Refusal(error.code(), status.message, info.reason, dict(info.metadata), paths)
