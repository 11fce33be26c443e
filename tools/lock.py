"""Pin every dependency with its hashes, for every platform, into the constraints files.

Run by `make lock`, or with the names of those to pin anew. The files name no index and no path: they hold wherever PyPI, or a mirror of it, is.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).parent / "uv"
# A week's rest: most poisoned releases are found and withdrawn by then.
COOLDOWN = "7 days"
LOCKS: dict[str, list[str]] = {
    "constraints.txt": ["pyproject.toml", "--group=pyproject.toml:build"],
    "constraints-dev.txt": ["--group=pyproject.toml:dev", "--constraints=constraints.txt"],
    "constraints-protos.txt": ["--group=pyproject.toml:protos"],
    "constraints-real-models.txt": ["--group=pyproject.toml:real-models"],
    "constraints-llama-cpp.txt": ["--group=pyproject.toml:llama-cpp", "--no-deps"],
    "constraints-litellm.txt": ["--group=pyproject.toml:litellm", "--no-deps"],
    "constraints-http-clients.txt": ["--group=pyproject.toml:http-clients", "--constraints=constraints-dev.txt"],
    "constraints-lock.txt": ["--group=pyproject.toml:lock"],
}


def lock(name: str, sources: list[str]) -> None:
    """Resolve *sources* anew into the constraints file *name*."""
    options = [
        "--universal",
        "--python-version=3.11",
        "--generate-hashes",
        "--upgrade",
        f"--exclude-newer={COOLDOWN}",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--no-emit-package=airegistry",
        "--custom-compile-command=make lock",
        "--quiet",
    ]
    command = [str(UV), "pip", "compile", *options, *sources, f"--output-file={name}"]
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    for name in sys.argv[1:] or LOCKS:
        print(name)
        lock(name, LOCKS[name])
