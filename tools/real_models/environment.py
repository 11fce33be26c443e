"""The Python environment that the compiler's tools and the training run in; nobody needs it afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from tools.real_models.cache import PINS, ROOT

TOOLS, LLAMA_CPP = PINS


def create(folder: Path) -> None:
    """Make the environment, with nothing in it that is not pinned by hash."""
    venv.create(folder, with_pip=True)
    run(folder, "pip", "install", "--quiet", "--require-hashes", f"--requirement={TOOLS}")


def download_llama_cpp(folder: Path, into: Path) -> Path:
    """Download the pinned source of llama-cpp-python, which holds that of llama.cpp, and return its archive."""
    # pip reads the metadata of a source by its build backend: that is pinned and in the environment already.
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-binary=:all:", "--require-hashes"]
    run(folder, "pip", "download", *options, f"--requirement={LLAMA_CPP}", f"--dest={into}")
    (archive,) = into.iterdir()
    return archive


def run(folder: Path, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
    """Run a module in the environment at *folder*; say what it says, and fail as it does."""
    python = folder / "bin" / "python"
    path = f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [python, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(environment or {})},
        check=False,
    )
    if done.returncode:
        sys.exit(f"python -m {module} failed")
