"""Generate the Python packages of protos/, or check that they are what the generator gives.

Their folders belong to this script: whatever else lies in them is removed.
"""

import argparse
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tools.drift import differences

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
# Our API, and what we say to servers of another one.
PACKAGES = (Path("airegistry/v1"), Path("airegistry/a2a/v1"), Path("airegistry/inference/v2"))
OUT = ROOT / "clients/python"
INIT = '"""Messages and stubs generated from protos/{package}; `make protos` writes this folder."""\n'
# google/api and google/rpc, and protobuf's own files, each from the wheel that ships them.
SITE = Path(sysconfig.get_path("purelib"))
INCLUDES = (PROTOS, SITE, SITE / "grpc_tools/_proto")


def generate(out: Path) -> None:
    """Write the packages under *out*, or exit as protoc does."""
    protos = sorted(path.relative_to(PROTOS) for package in PACKAGES for path in (PROTOS / package).glob("*.proto"))
    bin_ = Path(sys.executable).parent
    command = [
        sys.executable,
        *("-m", "grpc_tools.protoc"),
        *(f"--proto_path={path}" for path in INCLUDES),
        *(f"--plugin={name}={bin_ / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")),
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--mypy_grpc_out=quiet:{out}",
        *map(str, protos),
    ]
    if code := subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit(code)
    for package in PACKAGES:
        finish(out, package)


def finish(out: Path, package: Path) -> None:
    """Make a package of what the plugins wrote."""
    # They write a module for every file; those of files without a service hold nothing.
    for module in (out / package).glob("*_pb2_grpc.py"):
        if "Servicer" not in module.read_text():
            module.unlink()
            module.with_suffix(".pyi").unlink()
    (out / package / "__init__.py").write_text(INIT.format(package=package))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        pairs = [(Path(scratch) / package, OUT / package) for package in PACKAGES]
        drift = [line for fresh, committed in pairs for line in differences(committed, fresh)]
        if check and drift:
            sys.exit("generated code drifted from protos/; run `make protos`:\n  " + "\n  ".join(drift))
        for fresh, committed in pairs if drift else ():
            shutil.rmtree(committed, ignore_errors=True)
            shutil.copytree(fresh, committed)


if __name__ == "__main__":
    main()
