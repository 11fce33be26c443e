"""The settings of the registry; each is read from AIREGISTRY_ and its name in capitals."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.post import Post


class Config(EdgeSettings):
    """What can be chosen about a registry. Durations are in seconds."""

    registry_address: str = Field("127.0.0.1:50051", description="Where gRPC listens; port 0 takes a free one.")
    registry_http_address: str = Field("127.0.0.1:3001", description="Where /health and /metrics are served.")
    registry_drain: float = Field(10.0, ge=0, description="How long running calls may go on after a request to stop.")
    registry_max_watch_age: float = Field(
        1800.0,
        gt=0,
        description="The longest life of one Watch stream, and about that of a connection; the client resumes, perhaps on "
        "another replica.",
    )
    registry_watch_stall_timeout: float = Field(
        60.0,
        gt=0,
        description="How long a message of a Watch may wait for its client to read it; the stream ends then.",
    )
    registry_watch_max_lag_revisions: int = Field(
        50_000,
        ge=1,
        description="A Watch that is read on after it missed more revisions than this gets a new snapshot instead of them.",
    )
    registry_watch_max_lag_bytes: int = Field(
        64 * 1024 * 1024, ge=1, description="The same for the serialized bytes of the history that it missed."
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
    registry_compact_interval: float = Field(
        10.0, gt=0, description="How often the history is shortened to what has to be kept."
    )
    registry_sweep_interval: float = Field(
        1.0, gt=0, le=2, description="How often the leases are looked at that nobody renewed."
    )
    registry_database_url: SecretStr = Field(
        SecretStr(""),
        description="The PostgreSQL database, as postgresql://user:password@host/name, which any number of registries may "
        "share. As an option it shows in the list of processes: name it in the environment or in a file. Unset: SQLite in "
        "the data folder.",
    )
    registry_database_url_file: Path | None = Field(
        None, description="The file that the URL of the database is in, instead of the setting itself."
    )
    registry_database_notify: bool = Field(
        True,
        description="Whether replicas tell each other of commits by NOTIFY; otherwise they only poll.",
    )
    registry_poll_interval: float = Field(
        0.2, ge=0.01, le=60, description="How often a replica looks for commits of others that it was not told of."
    )
    registry_probes: bool = Field(
        True,
        description="Whether endpoints are probed; each says how far that may go, and may opt out.",
    )
    registry_credentials_dir: Path | None = Field(
        None,
        description="The folder with one file per credential, for probes that go beyond a handshake. Unset: probes send "
        "no credential.",
    )
    registry_observations_gather: float = Field(
        0.25, gt=0, le=0.5, description="For how long reports of what was measured are gathered into one transaction."
    )
    registry_observations_waiting: int = Field(
        100_000, ge=2_000, description="How many observations may wait to be counted; reports beyond that are refused."
    )
    registry_max_reporters: int = Field(
        10_000,
        ge=1,
        description="How many reporters are remembered, each for two days after its last report; one more is refused.",
    )
    registry_max_performance_watches: int = Field(
        2_000, ge=1, description="How many WatchPerformance streams may be open at once."
    )
    registry_rollup_minutes_age: float = Field(
        2 * 86_400.0, ge=3_600, description="How long what was measured is kept by the minute."
    )
    registry_rollup_hours_age: float = Field(
        31 * 86_400.0, ge=2 * 86_400, description="How long what was measured is kept by the hour."
    )
    registry_rollup_days_age: float = Field(
        400 * 86_400.0, ge=2 * 86_400, description="How long what was measured is kept by the day."
    )
    registry_workers: int = Field(
        1,
        ge=1,
        le=256,
        description="How many processes serve behind the one gRPC port; more than one needs PostgreSQL. Each has its own "
        "HTTP address: the port counts up with them.",
    )

    @property
    def post(self) -> Post:
        """Where the registry serves, and by how many processes."""
        return Post(
            self.registry_address,
            self.registry_http_address,
            self.registry_drain,
            self.open_to_all,
            self.registry_workers,
        )

    @property
    def connection_age(self) -> float | None:
        """About as long as a Watch may live: clients spread over the replicas again."""
        return self.registry_max_watch_age

    def seated(self, address: str, http_address: str) -> Self:
        """Return the settings of a process of the registry that serves on these addresses."""
        return self.model_copy(update={"registry_address": address, "registry_http_address": http_address})

    @field_validator("registry_database_url")
    @classmethod
    def _is_postgresql(cls, value: SecretStr) -> SecretStr:
        # The value stays out of the message: it may hold a password.
        if value.get_secret_value() and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("must begin with postgresql://")
        return value

    @field_validator("registry_workers")
    @classmethod
    def _has_a_store_to_share(cls, value: int, info: ValidationInfo) -> int:
        url = info.data.get("registry_database_url")
        # A URL that was refused is not there, and is told on its own.
        if value > 1 and url is not None and not url.get_secret_value():
            raise ValueError(
                "more than one process needs PostgreSQL (AIREGISTRY_REGISTRY_DATABASE_URL); SQLite lets in only one"
            )
        return value
