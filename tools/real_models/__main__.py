"""Make a real model to test with, llama-server and a tiny GGUF, or say that it is there already.

Run by `make real-models` (docs/real-models.md).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tools.real_models import building, environment
from tools.real_models.cache import ROOT, RealModels, becoming, real_models


def make(wanted: RealModels) -> None:
    """Make what is not there yet. Everything used on the way is removed."""
    with tempfile.TemporaryDirectory(prefix="real-models-") as scratch:
        tools = Path(scratch) / "tools"
        print("installing cmake, ninja and JAX for this one use", flush=True)
        environment.create(tools)
        if not wanted.model.exists():
            print("training the model: about a minute on an idle machine", flush=True)
            train(wanted.model, tools)
        if not wanted.server.exists():
            print("building llama-server: five to ten minutes on an idle machine", flush=True)
            building.build(wanted.server, tools, Path(scratch))


def train(model: Path, tools: Path) -> None:
    """Train the model and put it at *model*."""
    with becoming(model.parent) as folder:
        paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'examples'}"}
        environment.run(tools, "tools.real_models.training", str(folder / model.name), environment=paths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cached", action="store_true", help="make nothing; fail when there is something to make")
    wanted = real_models()
    if parser.parse_args().cached:
        sys.exit(not wanted.cached)
    if not wanted.cached:
        make(wanted)
    print(wanted.server, wanted.model, sep="\n")


if __name__ == "__main__":
    main()
