"""The settings of the gateway; each is read from AIREGISTRY_ and its name in capitals."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.post import Post
from airegistry._rpc.targets import target_of
from airegistry.cache import STALE_AFTER
from airegistry.errors import InvalidArgumentError
from airegistry.invoke.credentials import DEFAULT_PATTERN
from airegistry.invoke.transport.proxies import LOCAL, listed, proxy_at
from airegistry.learning.outcomes import RewardScale
from airegistry.learning.selector import SelectorSettings

PROXIES_OF_ENVIRONMENT = "environment"


class Config(EdgeSettings):
    """What can be chosen about a gateway. Durations are in seconds, sizes in bytes."""

    address: str = Field(
        "127.0.0.1:50051",
        description="Where the registry is: any gRPC target, or the ip:port of several replicas with commas between them.",
    )
    gateway_registry_ca_file: Path | None = Field(
        None,
        description="The authorities (PEM) by whose certificate the registry is known: calls to it are encrypted then. It is "
        "read when the gateway starts, as are the two below.",
    )
    gateway_registry_cert_file: Path | None = Field(
        None, description="The certificate (PEM) that the registry is shown, when it asks for one."
    )
    gateway_registry_key_file: Path | None = Field(
        None, validate_default=True, description="The key (PEM) of that certificate, without a password."
    )
    gateway_address: str = Field("127.0.0.1:50052", description="Where gRPC listens; port 0 takes a free one.")
    gateway_http_address: str = Field(
        "127.0.0.1:3002",
        description="Where the fronts of OpenAI, Anthropic and Ollama, /health and /metrics are served. Inside Envoy they are "
        "where gRPC is.",
    )
    gateway_workers: int = Field(
        1,
        ge=1,
        le=256,
        description="How many processes serve behind the addresses of the gateway, all of them the same. Limits of what runs and "
        "waits are shared out among them.",
    )
    gateway_workers_http_address: str = Field(
        "127.0.0.1:3102",
        description="Where the first of several processes serves HTTP alone, for /health and /metrics of its own; the next one on "
        "the port that follows, and so on. Port 0 takes a free one for each.",
    )
    gateway_drain: float = Field(10.0, ge=0, description="How long running calls may go on after a request to stop.")
    gateway_max_connection_age: float = Field(
        1800.0,
        gt=0,
        description="After about how long a connection takes no more calls, so that clients spread over workers and gateways again; "
        "running calls end by themselves.",
    )
    gateway_start_wait: float = Field(
        1.0, ge=0, description="How long to wait for the first view of the registry before serving without one."
    )
    gateway_stale_after: float = Field(
        STALE_AFTER, gt=0, description="After how long a silence of the registry answers say that the view is stale."
    )
    gateway_credentials_dir: Path | None = Field(
        None, description="The folder with one file per credential. Unset: `gateway/credentials` in the data folder."
    )
    gateway_credential_pattern: str = Field(
        DEFAULT_PATTERN,
        description="Which environment variables may be sent to providers, as a regular expression over their names.",
    )
    gateway_ca_file: Path | None = Field(
        None, description="Certificates (PEM) that are trusted of providers, beside those that this machine trusts."
    )
    gateway_proxy: SecretStr = Field(
        SecretStr(""),
        description="The HTTP proxy that providers are called through, `http://user:password@host:port`, or `environment`: those "
        "that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name. As an option it shows in the list of processes. Unset: none.",
    )
    gateway_proxy_file: Path | None = Field(
        None, description="The file that the proxy's URL is in, instead of the setting itself."
    )
    gateway_no_proxy: str = Field(
        LOCAL,
        description="Who is called without the proxy, with commas: `example.com` with all below it, `10.0.0.0/8`, `host:8080`, `*`.",
    )
    gateway_max_in_flight: int = Field(1_000, ge=1, description="How many calls run at once in all processes.")
    gateway_queue_length: int = Field(
        1_000, ge=0, description="How many calls wait when that many run, in all processes."
    )
    gateway_queue_wait: float = Field(10.0, gt=0, description="How long a call waits at most before it is refused.")
    gateway_longest_pause: float = Field(
        5.0, ge=0, description="How long the only candidate is waited for that asks for time. 0: not at all."
    )
    gateway_longest_lag: float = Field(
        0.25, gt=0, description="How late the process may be again and again before it takes no more calls."
    )
    gateway_hedge_share: float = Field(
        0.1, ge=0, le=1, description="For which share of the calls that may have one a second attempt is started."
    )
    gateway_report: bool = Field(
        default=True, description="Whether the registry is told what attempts to call endpoints came to."
    )
    gateway_report_interval: float = Field(
        1.0, ge=0.1, le=60, description="How often it is told; a full batch does not wait."
    )
    gateway_report_kept: int = Field(
        50_000,
        ge=1,
        description="How many attempts each process keeps while the registry takes none; beyond that the oldest are dropped.",
    )
    gateway_learning: bool = Field(
        default=False,
        description="Whether the order of candidates is learned for routes and calls with `selection: LEARNED`. It is not while "
        "there is a file `gateway/learning-off` in the data folder.",
    )
    gateway_learning_half_life: float = Field(
        SelectorSettings().half_life, gt=0, description="After how long an attempt counts half."
    )
    gateway_learning_exploration: float = Field(
        SelectorSettings().exploration, gt=0, le=1, description="The share of choices that is spread evenly."
    )
    gateway_learning_seed: int | None = Field(
        None,
        ge=0,
        description="What choices are drawn by, for tests and experiments. Unset: another one at each start.",
    )
    gateway_learning_first_token: float = Field(
        RewardScale().first_token,
        gt=0,
        description="The time to the first token of a stream that is half as good as none.",
    )
    gateway_learning_duration: float = Field(
        RewardScale().duration, gt=0, description="The time for a whole answer that is half as good as none."
    )
    gateway_learning_cost_nanos: float = Field(
        RewardScale().cost_nanos, gt=0, description="The cost of a call in nano-USD that is half as good as none."
    )
    gateway_learning_log_bytes: int = Field(
        16 * 1024 * 1024,
        ge=0,
        description="At which size the log of decisions is turned over, `gateway/decisions.jsonl` in the data folder. 0: no log.",
    )
    gateway_learning_log_files: int = Field(4, ge=1, le=100, description="How many files of that log are kept.")
    gateway_max_body_bytes: int = Field(32 * 1024 * 1024, ge=1024, description="The largest HTTP request taken.")
    gateway_max_answer_bytes: int = Field(
        32 * 1024 * 1024, ge=1024, description="The largest whole answer taken from a provider."
    )
    gateway_max_attempts: int | None = Field(
        None, ge=1, le=16, description="Attempts of a call that says nothing else. Unset: 3."
    )
    gateway_connect_timeout: float | None = Field(None, gt=0, description="For connecting. Unset: 2 s.")
    gateway_first_token_timeout: float | None = Field(None, gt=0, description="For the first token. Unset: 30 s.")
    gateway_idle_timeout: float | None = Field(None, gt=0, description="Between two tokens. Unset: 30 s.")
    gateway_total_timeout: float | None = Field(None, gt=0, description="For the whole call. Unset: 600 s.")

    @property
    def post(self) -> Post:
        """Where the gateway serves, and by how many processes."""
        return Post(
            self.gateway_address,
            self.gateway_http_address,
            self.gateway_drain,
            self.open_to_all,
            self.gateway_workers,
            own_http_address=self.gateway_workers_http_address,
        )

    @property
    def connection_age(self) -> float | None:
        """Clients spread over the workers, and over the gateways behind a balancer, again."""
        return self.gateway_max_connection_age

    def seated(self, address: str, http_address: str) -> Self:
        """Return the settings of a process of the gateway that serves on these addresses."""
        return self.model_copy(update={"gateway_address": address, "gateway_http_address": http_address})

    @field_validator("address")
    @classmethod
    def _is_a_target(cls, value: str) -> str:
        try:
            target_of(value)
        except InvalidArgumentError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("gateway_registry_cert_file")
    @classmethod
    def _is_shown_to_a_known_registry(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        # Unencrypted, it would be shown to nobody.
        if value is not None and info.data.get("gateway_registry_ca_file", value) is None:
            raise ValueError("needs the authorities of the registry, too: AIREGISTRY_GATEWAY_REGISTRY_CA_FILE")
        return value

    @field_validator("gateway_registry_key_file")
    @classmethod
    def _goes_with_what_is_shown(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("gateway_registry_cert_file", value) is None):
            raise ValueError(
                "AIREGISTRY_GATEWAY_REGISTRY_CERT_FILE and AIREGISTRY_GATEWAY_REGISTRY_KEY_FILE go together"
            )
        return value

    @field_validator("gateway_ca_file")
    @classmethod
    def _has_certificates(cls, value: Path | None) -> Path | None:
        try:
            ssl.create_default_context(cafile=value)
        except OSError as error:
            raise ValueError(f"cannot be read as certificates: {error.strerror or error}") from None
        return value

    @field_validator("gateway_proxy")
    @classmethod
    def _is_a_proxy(cls, value: SecretStr) -> SecretStr:
        # What is wrong with it is said without it: it may hold a password.
        if (url := value.get_secret_value()) not in ("", PROXIES_OF_ENVIRONMENT):
            proxy_at(url)
        return value

    @field_validator("gateway_no_proxy")
    @classmethod
    def _is_a_list_of_hosts(cls, value: str) -> str:
        tuple(listed(value))
        return value

    @field_validator("gateway_credential_pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return value
