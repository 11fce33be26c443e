"""The catalogs that can be read, by the names that people give them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from airegistry.cli.failures import ExitCode
from airegistry.cli.progress import progress

if TYPE_CHECKING:
    from airegistry.cli.session import Session
    from airegistry.importers.files import SourceFile
    from airegistry.importers.report import Catalog

_READING = "Reading the catalog"


def genai_prices(session: Session) -> Catalog:
    """Read the catalog of the installed package genai-prices."""
    from airegistry.importers.genai_prices import read_catalog

    advice = "genai-prices is not installed: pip install 'airegistry[cli]'"
    with _missing(session, advice), progress(session, _READING) as advance:
        return read_catalog(retrieved=_now(), advance=advance)


def litellm(session: Session, path: Path | None = None) -> Catalog:
    """Read LiteLLM's price map: that of the installed package, or a file."""
    from airegistry.importers.litellm.catalog import read_installed, read_path, to_catalog

    if path is not None:
        return _of_file(session, path, lambda: read_path(path, retrieved=_now()), to_catalog)
    with _missing(session, "litellm is not installed: `pip install --no-deps litellm`, or name its file"):
        file = read_installed(retrieved=_now())
    return _of_file(session, Path("litellm"), lambda: file, to_catalog)


def models_dev(session: Session, path: Path) -> Catalog:
    """Read a file in the form of models.dev's api.json."""
    from airegistry.importers.models_dev.catalog import read_path, to_catalog

    return _of_file(session, path, lambda: read_path(path, retrieved=_now()), to_catalog)


def of_file(session: Session, path: Path) -> Catalog:
    """Read a file of either form, which its content tells."""
    from airegistry.importers.files import read_file
    from airegistry.importers.litellm.catalog import SOURCE as LITELLM
    from airegistry.importers.models_dev.catalog import SOURCE as MODELS_DEV

    def read() -> SourceFile:
        return read_file(path, MODELS_DEV)

    def to_catalog(file: SourceFile, *, advance: Callable[[int, int], None]) -> Catalog:
        entries = [entry for entry in file.read_object().values() if isinstance(entry, dict)]
        if any("litellm_provider" in entry for entry in entries):
            return litellm(session, path)
        if any("models" in entry for entry in entries):
            return models_dev(session, path)
        advance(0, 0)
        raise ValueError(f"it has neither the form of {LITELLM}'s price map nor that of {MODELS_DEV}")

    return _of_file(session, path, read, to_catalog)


def _of_file(
    session: Session, path: Path, read: Callable[[], SourceFile], to_catalog: Callable[..., Catalog]
) -> Catalog:
    try:
        with progress(session, _READING) as advance:
            return to_catalog(read(), advance=advance)
    except OSError as error:
        raise typer.BadParameter(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:
        session.note(f"{path} is no such catalog: {error}", style="red")
        raise typer.Exit(ExitCode.ERROR) from error


@contextmanager
def _missing(session: Session, advice: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        session.note(advice, style="red")
        raise typer.Exit(ExitCode.ERROR) from error


def _now() -> datetime:
    return datetime.now(UTC)
