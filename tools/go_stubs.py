"""Generate clients/go/airegistry/v1 from protos/: needs Go, which installs the two plugins into build/go."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "build/go"
SITE = Path(sysconfig.get_path("purelib"))
# The runtime that they generate for is in clients/go/go.mod.
MODULES = ("google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12", "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2")


def main() -> None:
    """Install the plugins, then run protoc."""
    PLUGINS.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        subprocess.run(["go", "install", module], env=os.environ | {"GOBIN": str(PLUGINS)}, check=True)
    command = [
        sys.executable,
        *("-m", "grpc_tools.protoc"),
        *(f"--proto_path={path}" for path in (ROOT / "protos", SITE, SITE / "grpc_tools/_proto")),
        *(f"--plugin={name}={PLUGINS / name}" for name in ("protoc-gen-go", "protoc-gen-go-grpc")),
        "--go_out=clients/go",
        "--go_opt=module=airegistry.dev/go",
        "--go-grpc_out=clients/go",
        "--go-grpc_opt=module=airegistry.dev/go",
        *sorted(str(path.relative_to(ROOT / "protos")) for path in ROOT.glob("protos/airegistry/v1/*.proto")),
    ]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
