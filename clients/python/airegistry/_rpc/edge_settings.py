"""What can be chosen about a server's listener where Envoy is its carrier; with another carrier these settings are errors."""

from __future__ import annotations

import math
import re
from abc import ABC
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from airegistry._rpc.edge import RateLimit, Tls
from airegistry._rpc.settings import ProgramSettings

_ORIGIN = re.compile(r"\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:.]+\](:[0-9]{1,5})?", re.ASCII)


class EdgeSettings(ProgramSettings, ABC):
    """What servers share that Envoy can carry."""

    tls_cert_file: Path | None = Field(
        None,
        description="The file (PEM) of the server's certificate and those between it and its authority: calls are "
        "encrypted then. It is read again when it changes. Only with `AIREGISTRY_CARRIER=envoy`, as all that follow.",
    )
    tls_key_file: Path | None = Field(
        None, validate_default=True, description="The file (PEM) of the key of that certificate, without a password."
    )
    tls_client_ca_file: Path | None = Field(
        None,
        description="The file (PEM) of the authorities whose certificates clients must show. A server that asks for them may "
        "listen beyond loopback.",
    )
    cors_origins: str | None = Field(
        None,
        description="The origins whose pages may call from a browser, with commas between (`https://app.example`), or `*` "
        "for all. Unset: none.",
    )
    compression: bool = Field(
        default=True, description="Whether answers over HTTP are compressed for clients that take it (gzip, br, zstd)."
    )
    access_log: str | None = Field(
        None,
        description="The file that gets a line of JSON for each request, `-` for standard error. It holds no queries, "
        "credentials or bodies.",
    )
    rate_limit: float | None = Field(
        None,
        gt=0,
        le=1_000_000,
        description="How many requests a second each process takes; more are refused. Unset: any.",
    )
    rate_limit_burst: int | None = Field(
        None, ge=1, le=10_000_000, description="How many at once after a silence. Unset: those of a second."
    )
    max_connections: int = Field(
        20_000, ge=1, description="How many connections each process keeps; one more is closed at once."
    )

    @property
    def connection_age(self) -> float | None:
        """After how long a connection takes no more calls; None: never."""
        return None

    @property
    def origins(self) -> Sequence[str]:
        """The origins whose pages may call."""
        return _split(self.cors_origins or "")

    @property
    def tls(self) -> Tls | None:
        """Who the server is, if it encrypts."""
        if self.tls_cert_file is None or self.tls_key_file is None:
            return None
        ca = self.tls_client_ca_file
        return Tls(_whole(self.tls_cert_file), _whole(self.tls_key_file), None if ca is None else _whole(ca))

    @property
    def scheme(self) -> str:
        """How URLs of the server begin."""
        return "http" if self.tls is None else "https"

    @property
    def limit(self) -> RateLimit | None:
        """How many requests are let through."""
        if self.rate_limit is None:
            return None
        return RateLimit(self.rate_limit, self.rate_limit_burst or math.ceil(self.rate_limit))

    @property
    def open_to_all(self) -> bool:
        """Whether it may listen beyond loopback: it knows its clients by their certificates, or it shall know none."""
        return self.insecure or self.tls_client_ca_file is not None

    @field_validator(
        "tls_cert_file",
        "tls_key_file",
        "tls_client_ca_file",
        "cors_origins",
        "compression",
        "access_log",
        "rate_limit",
        "rate_limit_burst",
        "max_connections",
    )
    @classmethod
    def _is_for_envoy(cls, value: Any, info: ValidationInfo) -> Any:
        # Who asks for encryption and gets none would not notice. (A carrier that was refused is told on its own.)
        default = cls.model_fields[str(info.field_name)].default
        if value != default and info.data.get("carrier", "envoy") != "envoy":
            raise ValueError("only the Envoy carrier can do this: set AIREGISTRY_CARRIER=envoy, too, or leave it out")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: str | None) -> str | None:
        for origin in _split(value or ""):
            if not _ORIGIN.fullmatch(origin):
                raise ValueError("must be origins with commas between, such as https://app.example, or *")
        return value

    @field_validator("tls_key_file")
    @classmethod
    def _goes_with_its_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("tls_cert_file", value) is None):
            raise ValueError("AIREGISTRY_TLS_CERT_FILE and AIREGISTRY_TLS_KEY_FILE go together")
        return value

    @field_validator("tls_client_ca_file")
    @classmethod
    def _belongs_to_a_server(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("tls_cert_file", value) is None:
            raise ValueError("needs the server's own certificate, too: AIREGISTRY_TLS_CERT_FILE")
        return value

    @field_validator("rate_limit_burst")
    @classmethod
    def _belongs_to_a_limit(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("rate_limit", value) is None:
            raise ValueError("needs the limit, too: AIREGISTRY_RATE_LIMIT")
        return value


def _split(value: str) -> Sequence[str]:
    return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)


def _whole(path: Path) -> Path:
    return path.expanduser().absolute()
