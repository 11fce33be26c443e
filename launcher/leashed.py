"""`python -m launcher.leashed MODULE …`: a module as a program that ends when the launcher does, however that ended."""

from __future__ import annotations

import runpy
import sys

from airegistry._rpc.lifeline import end_with_parent
from launcher.children import STOPPING


def main() -> None:
    """Run the module that the command line names; standard input is the line to the launcher."""
    end_with_parent(patience=STOPPING)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
