"""The rules for endpoints, and for the parts that agents share with them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airegistry.errors import FieldViolation
from airegistry.resources.endpoint import (
    Auth,
    AuthMethod,
    Communication,
    DataPolicy,
    DeclaredPerformance,
    Endpoint,
    Probing,
    RateLimits,
)
from airegistry.resources.validation.custom import check_custom
from airegistry.resources.validation.model import check_capabilities, check_fact_sources, check_limits, check_provenance
from airegistry.resources.validation.prices import check_prices
from airegistry.resources.validation.rules import (
    MAX_INT32,
    Violations,
    at_key,
    credential,
    duration,
    identifier,
    limited,
    positive,
    required,
    share,
    size,
    timeout,
    url,
    whole,
)

MAX_HEADERS = 32
MAX_WEIGHT = 1_000_000
MAX_PRIORITY = 100

# RFC 9110, 5.6.2.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# RFC 9110, 7.6.1, and what frames a message: the transport's own.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Secrets go by the name of a credential, never by value.
_SECRET = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "proxy-authenticate",
        "proxy-authorization",
        "x-api-key",
        "x-goog-api-key",
    }
)


def check_endpoint(endpoint: Endpoint, path: str) -> Violations:
    """Yield what is wrong with an endpoint."""
    yield from identifier(endpoint.provider, f"{path}.provider")
    yield from required(endpoint.upstream_model, f"{path}.upstream_model")
    if endpoint.address:
        yield from url(endpoint.address, f"{path}.address")
    if endpoint.communication is not None:
        yield from _check_communication(endpoint.communication, f"{path}.communication")
    yield from credential(endpoint.credential, f"{path}.credential")
    yield from check_prices(endpoint.prices, f"{path}.prices")
    yield from _check_rate_limits(endpoint.rate_limits, f"{path}.rate_limits")
    yield from check_data_policy(endpoint.data_policy, f"{path}.data_policy")
    yield from whole(endpoint.weight, f"{path}.weight", high=MAX_WEIGHT)
    yield from whole(endpoint.priority, f"{path}.priority", high=MAX_PRIORITY)
    yield from _check_declared(endpoint.declared, f"{path}.declared")
    yield from check_limits(endpoint.limits, f"{path}.limits")
    yield from check_capabilities(endpoint.capabilities, f"{path}.capabilities")
    yield from _check_probing(endpoint.probing, f"{path}.probing")
    yield from check_provenance(endpoint.provenance, f"{path}.provenance")
    yield from check_fact_sources(endpoint.fact_sources, f"{path}.fact_sources")


def check_auth(auth: Auth | None, path: str) -> Violations:
    """Yield what is wrong with a way to prove who a call is."""
    if auth is None:
        return
    where = f"{path}.parameter"
    if auth.method not in (AuthMethod.HEADER, AuthMethod.QUERY):
        if auth.parameter:
            yield FieldViolation(where, "must be empty unless the method is HEADER or QUERY")
    elif not auth.parameter:
        yield FieldViolation(where, f"is required by the method {auth.method.name}")
    elif auth.method is AuthMethod.HEADER and (
        not _TOKEN.fullmatch(auth.parameter) or auth.parameter.lower() in _HOP_BY_HOP
    ):
        yield FieldViolation(where, "is not the name of a request header")


def check_data_policy(policy: DataPolicy | None, path: str) -> Violations:
    """Yield what is wrong with a data policy."""
    if policy is not None:
        yield from duration(policy.retention, f"{path}.retention")


def _check_communication(communication: Communication, path: str) -> Violations:
    yield from check_auth(communication.auth, f"{path}.auth")
    yield from _check_headers(communication.headers, f"{path}.headers")
    yield from _check_path(communication.path, f"{path}.path")
    yield from check_custom(communication, path)
    if communication.custom is not None:
        yield from _check_path(communication.custom.stream_path, f"{path}.custom.stream_path")


def _check_headers(headers: Mapping[str, str], path: str) -> Violations:
    yield from size(headers, path, most=MAX_HEADERS)
    for name, value in limited(headers.items(), most=MAX_HEADERS):
        where = at_key(path, name)
        if not _TOKEN.fullmatch(name) or name != name.lower():
            yield FieldViolation(where, "a header's name must be a lower-case token")
        elif name in _HOP_BY_HOP:
            yield FieldViolation(where, "is set by the connection, and cannot be fixed here")
        elif name in _SECRET:
            yield FieldViolation(where, "carries secrets; name a credential and an auth method instead")
        if not _HEADER_VALUE.fullmatch(value):
            yield FieldViolation(where, "a header's value must not hold control characters")


def _check_path(value: str, path: str) -> Violations:
    # It is put behind the address as it stands: without the slash it could change the host.
    if value and (not value.startswith("/") or any(char <= " " or char in "#\\\x7f" for char in value)):
        yield FieldViolation(path, "must begin with a slash and hold no spaces, backslashes or fragment")


def _check_rate_limits(limits: RateLimits | None, path: str) -> Violations:
    if limits is not None:
        yield from whole(limits.requests_per_minute, f"{path}.requests_per_minute")
        yield from whole(limits.tokens_per_minute, f"{path}.tokens_per_minute")
        yield from whole(limits.max_concurrent_requests, f"{path}.max_concurrent_requests", high=MAX_INT32)


def _check_declared(declared: DeclaredPerformance | None, path: str) -> Violations:
    if declared is not None:
        yield from duration(declared.time_to_first_token, f"{path}.time_to_first_token")
        yield from positive(declared.tokens_per_second, f"{path}.tokens_per_second")
        yield from share(declared.reliability, f"{path}.reliability")


def _check_probing(probing: Probing | None, path: str) -> Violations:
    if probing is not None:
        yield from timeout(probing.interval, f"{path}.interval")
