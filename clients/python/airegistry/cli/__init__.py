"""The `airegistry` command: everything that a person does with a registry and a gateway."""

from __future__ import annotations


def main() -> None:
    """Run the command with the arguments of the process, and exit."""
    from airegistry.cli.app import run

    run()
