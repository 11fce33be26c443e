"""The settings of the registry; each is read from AIREGISTRY_ and its name in capitals."""

from __future__ import annotations

from pydantic import Field

from airegistry._rpc.settings import ServerSettings


class Config(ServerSettings):
    """What can be chosen about a registry. Durations are in seconds."""

    registry_address: str = Field("127.0.0.1:50051", description="Where gRPC listens; port 0 takes a free one.")
    registry_http_address: str = Field("127.0.0.1:3001", description="Where /health and /metrics are served.")
    registry_drain: float = Field(10.0, ge=0, description="How long running calls may go on after a request to stop.")
    registry_max_watch_age: float = Field(
        1800.0,
        gt=0,
        description="The longest life of one Watch stream; its client resumes, perhaps on another replica.",
    )
    registry_max_watches: int = Field(20_000, ge=1, description="How many Watch streams may be open at once.")
    registry_history_age: float = Field(
        3600.0, ge=0, description="How long revisions stay in the history at least, for streams that resume."
    )
    registry_history_revisions: int = Field(
        100_000, ge=0, description="How many revisions stay in the history at least, however old."
    )
    registry_history_bytes: int = Field(
        256 * 1024 * 1024,
        ge=1024 * 1024,
        description="How large the history may become, serialized; beyond that the oldest goes, whatever else is said.",
    )
