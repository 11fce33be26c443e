"""Somebody who serves a model, and how to call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from airegistry.resources.finish_reason import FinishReason
from airegistry.resources.model import Capability, ModelLimits
from airegistry.resources.prices import PriceList
from airegistry.resources.provenance import FactSource, Provenance


class AuthMethod(IntEnum):
    """A way for a call to prove who it is."""

    BEARER = 1
    HEADER = 2
    QUERY = 3
    BASIC = 4
    MTLS = 5
    NONE = 6


class StreamFraming(IntEnum):
    """How a stream is cut into items."""

    SSE = 1
    NDJSON = 2


class ProbeStep(IntEnum):
    """A step of the probing ladder."""

    CONNECT = 1
    HANDSHAKE = 2
    HEALTH = 3
    REQUEST = 4


@dataclass(frozen=True, slots=True)
class Auth:
    """How a call proves who it is."""

    method: AuthMethod | None = None
    parameter: str = ""


@dataclass(frozen=True, slots=True)
class CustomFormat:
    """A wire format declared as data, so that a provider can be added without code."""

    request_template: str = ""
    response_paths: Mapping[str, str] = field(default_factory=dict)
    stream_paths: Mapping[str, str] = field(default_factory=dict)
    stream_framing: StreamFraming | None = None
    stream_end: str = ""
    finish_reasons: Mapping[str, FinishReason] = field(default_factory=dict)
    error_paths: Mapping[str, str] = field(default_factory=dict)
    error_reasons: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    stream_path: str = ""
    tensors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Communication:
    """The communication schema of an endpoint: request format, response format, auth method."""

    dialect: str = ""
    request_format: str = ""
    response_format: str = ""
    stream_format: str = ""
    auth: Auth | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    continues_prefix: bool | None = None
    custom: CustomFormat | None = None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What an endpoint allows."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_concurrent_requests: int | None = None


@dataclass(frozen=True, slots=True)
class DataPolicy:
    """What happens to the data sent to an endpoint."""

    trains_on_data: bool | None = None
    retention: float | None = None
    jurisdiction: str = ""


@dataclass(frozen=True, slots=True)
class DeclaredPerformance:
    """What the registrant says of an endpoint's speed and reliability."""

    time_to_first_token: float | None = None
    tokens_per_second: float | None = None
    reliability: float | None = None


@dataclass(frozen=True, slots=True)
class Probing:
    """Whether and how the plane may probe an endpoint."""

    disabled: bool | None = None
    max_step: ProbeStep | None = None
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Somebody who serves a model, and how to call them."""

    provider: str = ""
    address: str = ""
    upstream_model: str = ""
    communication: Communication | None = None
    credential: str = ""
    prices: PriceList | None = None
    rate_limits: RateLimits | None = None
    region: str = ""
    data_policy: DataPolicy | None = None
    weight: int | None = None
    priority: int = 0
    declared: DeclaredPerformance | None = None
    limits: ModelLimits | None = None
    capabilities: Mapping[str, Capability] = field(default_factory=dict)
    quantization: str = ""
    probing: Probing | None = None
    provenance: Provenance | None = None
    fact_sources: tuple[FactSource, ...] = ()
