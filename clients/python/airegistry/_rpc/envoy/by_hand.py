"""An Envoy that somebody else starts: its configuration to look at, and the script that starts it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from airegistry._rpc.envoy.bootstrap import bootstrap
from airegistry._rpc.envoy.configuration import Json
from airegistry._rpc.envoy.installed import Installed, find_envoy
from airegistry._rpc.envoy.launching import Launch, launch
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.envoy.planning import check, plan_of, write
from airegistry._rpc.listening import allowed, naming
from airegistry._rpc.plain_logs import LogLevel
from airegistry._rpc.program import Program
from airegistry._rpc.settings import read_environment

_HEAD = """\
# Envoy with the {name} inside it, as the settings of the {name} say. Made by `airegistry envoy config {name}`: make it again
# when they or the release change, rather than editing it. Envoy needs, in its environment, the Python to run in it:
#{variables}
# It is one process, whatever AIREGISTRY_{variable}_WORKERS says.
# `airegistry envoy prepare {name}` writes this file, those of the certificates, and a script that sets them and starts Envoy.
"""
_SCRIPT = """\
#!/bin/sh
# Starts Envoy with the {name} inside it. Made by `airegistry envoy prepare {name}`: make it again when a setting changes that
# is about the listener; the {name} itself reads the others when it starts.
#
# SIGTERM lets running calls end, for as long as AIREGISTRY_{variable}_DRAIN says; a second one ends it at once.
{exports}
exec {command}
"""


@dataclass(frozen=True, slots=True)
class ByHand:
    """What somebody needs who starts an Envoy with the program *name* inside."""

    name: str
    plan: Plan
    installed: Installed
    level: LogLevel

    @property
    def configuration(self) -> Json:
        """The configuration as data."""
        return bootstrap(self.plan)

    def as_yaml(self) -> str:
        """Return the configuration as YAML, with how it is used above it."""
        variables = "".join(
            f"\n#   {line}" for line in _exports(self._launch(self.plan.folder / "envoy.json").environment)
        )
        text = yaml.safe_dump(self.configuration, sort_keys=False, allow_unicode=True)
        return _HEAD.format(name=self.name, variable=self.name.upper(), variables=variables) + text

    def write(self) -> Path:
        """Write the files and the script into the plan's folder, and return the script."""
        self.plan.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        started = self._launch(write(self.plan))
        script = self.plan.folder / "run"
        script.write_text(
            _SCRIPT.format(
                name=self.name,
                variable=self.name.upper(),
                exports="\n".join(_exports(started.environment)),
                command=shlex.join(started.command),
            )
        )
        script.chmod(0o700)
        return script

    def _launch(self, start: Path) -> Launch:
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in _options(self.name).items()]
        return launch(self.installed, self.plan, start, arguments, self.level)


def by_hand(program: Program[Any], folder: Path) -> ByHand:
    """Return what is needed for *program* with the settings of the environment; StartError when they cannot be used."""
    installed = find_envoy()
    config = read_environment(program.settings, program.name, _options(program.name))
    post = config.post
    # Nobody else looks at it: Envoy listens wherever it is told.
    with naming(config.places):
        allowed(post.address, insecure=post.insecure)
    check(config)
    return ByHand(program.name, plan_of(program, config, installed, folder), installed, config.log_level)


def _options(name: str) -> Mapping[str, str]:
    """Return what holds for an Envoy with the program *name* inside, whatever the environment says."""
    return {"carrier": "envoy", f"{name}_workers": "1"}


def _exports(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        yield f"export {name}={shlex.quote(value)}"
