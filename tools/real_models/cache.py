"""Where what was made is kept, outside the tree, and by what it is known again.

A folder's name is made of all that could make its content another: the pinned versions, the code that made it, the kind
of machine. What is there is therefore whole and right, and nobody has to ask how old it is.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
VARIABLE = "REAL_MODELS_CACHE"
PINS = (ROOT / "constraints-real-models.txt", ROOT / "constraints-llama-cpp.txt")
BUILDING = (*PINS, HERE / "building.py", HERE / "environment.py")
TRAINING = (PINS[0], ROOT / "examples/demo_backend/corpus.py", *sorted((HERE / "training").glob("*.py")))


@dataclass(frozen=True)
class RealModels:
    """The files that a real model behind the gateway needs."""

    server: Path
    model: Path

    @property
    def cached(self) -> bool:
        """Whether nothing has to be made."""
        return self.server.exists() and self.model.exists()


def real_models(environment: Mapping[str, str] = os.environ) -> RealModels:
    """Return where the files are, or would be once they are made."""
    folder = cache_folder(environment)
    machine = f"{platform.system()} {platform.machine()}"
    # The text that the model learns from is that of the Python which trains it.
    python = ".".join(platform.python_version_tuple()[:2])
    return RealModels(
        server=folder / f"server-{key(BUILDING, machine)}" / "llama-server",
        model=folder / f"model-{key(TRAINING, python)}" / "tiny.gguf",
    )


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder that REAL_MODELS_CACHE names, or one in the user's cache."""
    if named := environment.get(VARIABLE):
        return Path(named).absolute()
    cache = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "airegistry" / "real-models"


def key(sources: Iterable[Path], circumstance: str) -> str:
    """Return a short name for the content of *sources*, made under *circumstance*."""
    digest = hashlib.sha256(circumstance.encode())
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def becoming(place: Path) -> Iterator[Path]:
    """Lend a folder to fill, which then becomes *place* at once: half of it is never there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    filling = Path(tempfile.mkdtemp(prefix=f"{place.name}.", dir=place.parent))
    try:
        yield filling
        if not place.exists():
            filling.rename(place)
    finally:
        shutil.rmtree(filling, ignore_errors=True)
