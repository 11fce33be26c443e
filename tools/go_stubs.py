"""Generate clients/go/airegistry/v1 from protos/, or check that it is what the generators give.

It needs Go, which installs the two plugins into build/go.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tools.drift import differences

PACKAGE = Path("airegistry/v1")
ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "build/go"
SITE = Path(sysconfig.get_path("purelib"))
# The runtime that they generate for is in clients/go/go.mod.
MODULES = (
    "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12",
    "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2",
)


def install_plugins() -> None:
    """Build the plugins, unless they are there."""
    PLUGINS.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        subprocess.run(["go", "install", module], env=os.environ | {"GOBIN": str(PLUGINS)}, check=True)


def generate(out: Path) -> None:
    """Write the package under *out*, or exit as protoc does."""
    command = [
        sys.executable,
        *("-m", "grpc_tools.protoc"),
        *(f"--proto_path={path}" for path in (ROOT / "protos", SITE, SITE / "grpc_tools/_proto")),
        *(f"--plugin={name}={PLUGINS / name}" for name in ("protoc-gen-go", "protoc-gen-go-grpc")),
        f"--go_out={out}",
        "--go_opt=module=airegistry.dev/go",
        f"--go-grpc_out={out}",
        "--go-grpc_opt=module=airegistry.dev/go",
        *sorted(str(path.relative_to(ROOT / "protos")) for path in ROOT.glob("protos/airegistry/v1/*.proto")),
    ]
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(code)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    install_plugins()
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh, committed = Path(scratch) / PACKAGE, ROOT / "clients/go" / PACKAGE
        drift = differences(committed, fresh, "*.go")
        if check and drift:
            sys.exit("Go stubs drifted from protos/; run `make protos-go`:\n  " + "\n  ".join(drift))
        if drift:
            shutil.rmtree(committed, ignore_errors=True)
            shutil.copytree(fresh, committed)


if __name__ == "__main__":
    main()
