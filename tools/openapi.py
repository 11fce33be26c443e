"""Generate the OpenAPI document of each server from protos/, or check that they are what the generator gives.

It needs Go, which installs the generator into build/go. The documents are package data: each server shows its own.
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.openapi_edits import Edits, edited, merged
from tools.openapi_enums import enum_values

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "build/go"
SITE = Path(sysconfig.get_path("purelib"))
INCLUDES = (ROOT / "protos", SITE, SITE / "grpc_tools/_proto")
MODULE = "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv3@v2.33.0"
# Where each document belongs, the services in it, and what no proto says.
DOCUMENTS: dict[Path, tuple[tuple[str, ...], Edits]] = {
    Path("registry/openapi.json"): (
        ("registry_service", "analytics_service"),
        Edits(
            title="AI Registry: registry",
            description="The control plane over REST: models, endpoints, agents and routes are registered, found and watched.",
            prefix="/registry/v1/",
        ),
    ),
    Path("gateway/openapi.json"): (
        ("gateway_service",),
        Edits(
            title="AI Registry: gateway",
            description="The data plane over REST: models and agents are invoked, whoever serves them.",
            prefix="/gateway/v1/",
        ),
    ),
}


def install_plugin() -> None:
    """Build the generator, unless it is there."""
    PLUGINS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "install", MODULE], env=os.environ | {"GOBIN": str(PLUGINS)}, check=True)


def generate(out: Path, services: Sequence[str]) -> list[dict[str, Any]]:
    """Return the document of each service as the generator gives it, or exit as protoc does."""
    command = [
        sys.executable,
        *("-m", "grpc_tools.protoc"),
        *(f"--proto_path={path}" for path in INCLUDES),
        f"--plugin=protoc-gen-openapiv3={PLUGINS / 'protoc-gen-openapiv3'}",
        f"--openapiv3_out={out}",
        *(f"airegistry/v1/{service}.proto" for service in services),
    ]
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(code)
    return [json.loads((out / f"airegistry/v1/{service}.openapi.json").read_text()) for service in services]


def document(services: Sequence[str], edits: Edits) -> str:
    """Return one server's document as it is committed."""
    with tempfile.TemporaryDirectory() as scratch:
        whole = merged(generate(Path(scratch), services))
    values = enum_values(INCLUDES, [f"airegistry/v1/{service}.proto" for service in services])
    whole = edited(whole, edits, values)
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    install_plugin()
    for path, (services, edits) in DOCUMENTS.items():
        fresh, committed = document(services, edits), ROOT / path
        if committed.exists() and committed.read_text() == fresh:
            continue
        if check:
            sys.exit(f"{path} drifted from protos/; run `make openapi`")
        committed.write_text(fresh)


if __name__ == "__main__":
    main()
