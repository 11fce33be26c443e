"""Settings that every server has, read from the command line and the environment; a name that nobody knows is an error."""

from __future__ import annotations

import argparse
import difflib
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from airegistry._rpc.plain_logs import LogFormat, LogLevel
from airegistry._rpc.post import CarrierName, Post
from airegistry._rpc.process import SettingsError

_PREFIX = "AIREGISTRY_"
# Each program checks the names below its own prefix: all run from one environment, and none knows the others' settings.
_PROGRAMS = ("AIREGISTRY_REGISTRY_", "AIREGISTRY_GATEWAY_")
_OF_CLIENTS = (
    "AIREGISTRY_ADDRESS",
    "AIREGISTRY_CA_FILE",
    "AIREGISTRY_CERT_FILE",
    "AIREGISTRY_GATEWAY_ADDRESS",
    "AIREGISTRY_KEY_FILE",
)

S = TypeVar("S", bound="ServerSettings")


class ServerSettings(BaseSettings):
    """What all servers share. Built from values; only `read_environment` looks at the environment."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=_PREFIX, env_ignore_empty=True, allow_inf_nan=False
    )

    data_dir: Path = Field(
        Path("~/.local/share/airegistry"),
        description="The folder for everything that outlives the process; made when missing.",
    )
    log_level: LogLevel = Field("info", description="The least severe log level that is shown.")
    log_format: LogFormat = Field("console", description="Logs as text for people, or as JSON lines.")
    insecure: bool = Field(
        default=False, description="Lets servers listen beyond loopback, without encryption and authentication."
    )
    carrier: CarrierName = Field(
        "aio",
        description="What carries the calls: `aio` is grpc.aio and uvicorn; `envoy`, which needs the extra of that name, is "
        "Envoy with the server inside it, several times as fast and with everything on one port.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the caller passes and nothing else."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


class ProgramSettings(ServerSettings, ABC):
    """What a server program must be able to tell of itself."""

    @property
    def places(self) -> Mapping[str, str]:
        """Where the program listens, by the names of the settings that say so."""
        return {_variable(name): value for name, value in self if name.endswith("_address")}

    @property
    @abstractmethod
    def post(self) -> Post:
        """Where the program serves, and by how many processes."""

    @abstractmethod
    def seated(self, address: str, http_address: str) -> Self:
        """Return the settings of a process of the program that serves on these addresses."""


def read_settings(settings: type[S], program: str, arguments: Sequence[str]) -> S:
    """Build *settings* of *program* (`registry`) from command line options, else from the environment.

    Every setting is an option of the same name (`--log-level`). Raises SettingsError saying what is wrong in the
    environment; wrong options, and `--help`, end the process as argparse does.
    """
    return read_environment(settings, program, _options(settings, program, arguments))


def read_environment(settings: type[S], program: str, options: Mapping[str, Any] | None = None) -> S:
    """Build *settings* of *program* (`registry`) from the environment, or raise SettingsError saying what is wrong.

    What *options* says counts instead. A secret with a setting `…_file` beside it may be in the file named there.
    """
    known = {_variable(name) for name in settings.model_fields}
    own = f"{_PREFIX}{program.upper()}_"
    _refuse_unknown(os.environ, known.union(_OF_CLIENTS), [prefix for prefix in _PROGRAMS if prefix != own])
    values = EnvSettingsSource(settings)()
    if xdg := os.environ.get("XDG_DATA_HOME"):
        values.setdefault("data_dir", Path(xdg) / "airegistry")
    given = {**values, **(options or {}), **dict(_secrets(settings, values, options or {}))}
    try:
        return settings(**given)
    except ValidationError as error:
        raise SettingsError(_in_one_line(error)) from error


def _secrets(
    settings: type[ServerSettings], environment: Mapping[str, Any], options: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield the secrets that were given, from the files where they are in files."""
    for name, field in settings.model_fields.items():
        file = f"{name}_file"
        if field.annotation is not SecretStr or file not in settings.model_fields:
            continue
        # One value with two names: an option counts more than the environment, whichever name it has.
        source = options if name in options or file in options else environment
        if name in source and file in source:
            raise SettingsError(f"{_variable(name)} and {_variable(file)} are the same secret: set one of them")
        if file in source:
            yield name, _secret_in(source[file], _variable(file))
        elif name in source:
            yield name, source[name]


def _secret_in(path: str, setting: str) -> str:
    try:
        secret = Path(path).expanduser().read_text().strip()
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SettingsError(f"{setting}: cannot read {path}: {reason or error}") from error
    if not secret:
        raise SettingsError(f"{setting}: {path} is empty")
    return secret


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _options(settings: type[ServerSettings], program: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the settings that the command line names; their values are checked with those of the environment."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}",
        description=f"Each option can be set in the environment instead: --log-level is {_PREFIX}LOG_LEVEL.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for name, field in settings.model_fields.items():
        flag: dict[str, Any] = {"action": "store_true"} if field.annotation is bool else {"metavar": "VALUE"}
        # argparse formats its help with %.
        default = "unset" if field.default is None or field.annotation is SecretStr else field.default
        text = f"{field.description} Default: {default}.".replace("%", "%%")
        parser.add_argument(f"--{name.replace('_', '-')}", help=text, **flag)
    return vars(parser.parse_args(arguments))


def _refuse_unknown(names: Iterable[str], known: Collection[str], foreign: Collection[str]) -> None:
    unknown = sorted(
        name for name in names if name.startswith(_PREFIX) and name not in known and not name.startswith(tuple(foreign))
    )
    if unknown:
        raise SettingsError("; ".join(_unknown(name, known) for name in unknown))


def _unknown(name: str, known: Collection[str]) -> str:
    # Without the prefix, which makes all of them alike.
    words = {each.removeprefix(_PREFIX): each for each in known}
    close = difflib.get_close_matches(name.removeprefix(_PREFIX), words, n=2, cutoff=0.75)
    hint = f" (did you mean {' or '.join(words[word] for word in close)}?)" if close else ""
    return f"unknown setting {name}{hint}"


def _in_one_line(error: ValidationError) -> str:
    # The value stays out: it may be a secret.
    said = ((str(e["loc"][0]), e["msg"].removeprefix("Value error, ")) for e in error.errors() if e["loc"])
    return "; ".join(f"{_variable(name)}: {message}" for name, message in said)
