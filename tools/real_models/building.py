"""Build llama-server from the llama.cpp that comes inside the source of llama-cpp-python."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.real_models import environment
from tools.real_models.cache import becoming

JOBS = 2
# Only the server, and only what it needs on a machine without a network: no TLS, no web page, no GPU. Little is
# optimised, since compiling takes minutes and the model is tiny. No OpenMP: its threads spin while they wait.
SETTINGS = {
    "CMAKE_BUILD_TYPE": "Release",
    "CMAKE_CXX_FLAGS_RELEASE": "-O1 -DNDEBUG",
    "BUILD_SHARED_LIBS": "OFF",
    "GGML_NATIVE": "OFF",
    "GGML_OPENMP": "OFF",
    "LLAMA_BUILD_APP": "OFF",
    "LLAMA_BUILD_EXAMPLES": "OFF",
    "LLAMA_BUILD_TESTS": "OFF",
    "LLAMA_BUILD_UI": "OFF",
    "LLAMA_OPENSSL": "OFF",
    "LLAMA_USE_PREBUILT_UI": "OFF",
}


def build(server: Path, tools: Path, scratch: Path) -> None:
    """Build llama-server and put it at *server*; *tools* is an environment with cmake and ninja."""
    source = _unpacked(environment.download_llama_cpp(tools, scratch / "download"), scratch / "source")
    bin_, built = tools / "bin", scratch / "build"
    settings = [f"-D{name}={value}" for name, value in SETTINGS.items()]
    ninja = f"-DCMAKE_MAKE_PROGRAM={bin_ / 'ninja'}"
    _call(bin_ / "cmake", "-G", "Ninja", "-S", source, "-B", built, ninja, *settings)
    _call(bin_ / "cmake", "--build", built, "--target", "llama-server", f"-j{JOBS}")
    with becoming(server.parent) as folder:
        shutil.copy2(built / "bin" / "llama-server", folder / server.name)


def _unpacked(archive: Path, into: Path) -> Path:
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    (top,) = into.iterdir()
    return top / "vendor" / "llama.cpp"


def _call(*command: Path | str) -> None:
    if subprocess.run(command, check=False).returncode:
        sys.exit("llama-server cannot be built: " + " ".join(map(str, command)))
