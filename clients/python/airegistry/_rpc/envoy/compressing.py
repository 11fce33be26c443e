"""Answers over HTTP, made smaller for clients that take it."""

from __future__ import annotations

from collections.abc import Sequence

from airegistry._rpc.envoy.configuration import Json, filter_name, http_options, typed

_LIBRARIES = {
    "gzip": "envoy.extensions.compression.gzip.compressor.v3.Gzip",
    "brotli": "envoy.extensions.compression.brotli.compressor.v3.Brotli",
    "zstd": "envoy.extensions.compression.zstd.compressor.v3.Zstd",
}
COMPRESSORS: Sequence[str] = [filter_name(f"compressor.{library}") for library in _LIBRARIES]

# Never what is sent bit by bit (gRPC, events, lines of JSON): its messages are small, and each would wait for the next.
_COMPRESSED = [
    "application/javascript",
    "application/json",
    "application/openmetrics-text",
    "application/yaml",
    "text/css",
    "text/html",
    "text/plain",
]
_WORTH_COMPRESSING = 1024


def compressors() -> list[Json]:
    """Return the filters, of which each takes the answers that its clients like best in its way."""
    return [
        {"name": name, "typed_config": _options(library, message, first=library == "gzip")}
        for name, (library, message) in zip(COMPRESSORS, _LIBRARIES.items(), strict=True)
    ]


def _options(library: str, message: str, *, first: bool) -> Json:
    return http_options(
        "compressor.v3.Compressor",
        {
            "choose_first": first,
            "compressor_library": {"name": library, "typed_config": typed(message)},
            "response_direction_config": {
                "common_config": {"min_content_length": _WORTH_COMPRESSING, "content_type": _COMPRESSED}
            },
        },
    )
