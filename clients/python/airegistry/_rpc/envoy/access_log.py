"""The access log: one line of JSON for each request, without anything that may be a secret."""

from __future__ import annotations

from airegistry._rpc.envoy.configuration import Json, typed

# Never the query, the headers of credentials or a body.
_LINE = {
    "time": "%START_TIME%",
    "peer": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "protocol": "%PROTOCOL%",
    "method": "%REQ(X-ENVOY-ORIGINAL-METHOD?:METHOD)%",
    "path": "%PATH(NQ:ORIG_OR_PATH):512%",
    "rpc": "%PATH(NQ:PATH):256%",
    "status": "%RESPONSE_CODE%",
    "grpc_status": "%GRPC_STATUS(SNAKE_STRING)%",
    "reason": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "received_bytes": "%BYTES_RECEIVED%",
    "sent_bytes": "%BYTES_SENT%",
    "ms": "%DURATION%",
    "user_agent": "%REQ(USER-AGENT):256%",
}


def access_logs(place: str | None) -> list[Json]:
    """Return the logs: on standard error for `-`, in a file, or none."""
    if place is None:
        return []
    line = {"log_format": {"json_format": _LINE}}
    if place == "-":
        # Standard output belongs to who started the process.
        log = typed("envoy.extensions.access_loggers.stream.v3.StderrAccessLog", line)
        return [{"name": "envoy.access_loggers.stderr", "typed_config": log}]
    log = typed("envoy.extensions.access_loggers.file.v3.FileAccessLog", {"path": place, **line})
    return [{"name": "envoy.access_loggers.file", "typed_config": log}]
