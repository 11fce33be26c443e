"""`python -m registry`: the registry as a process."""

from __future__ import annotations

import sys

from airegistry._rpc.logs import configure_logs
from airegistry._rpc.process import StartError, run
from airegistry._rpc.settings import read_settings
from registry.app import serve
from registry.config import Config


def main() -> int:
    """Serve until a signal; return the exit code."""
    try:
        config = read_settings(Config, "registry", sys.argv[1:])
    except StartError as error:
        sys.stderr.write(f"registry: {error}\n")
        return error.exit_code
    configure_logs(config.log_level, config.log_format)
    return run("registry", lambda: serve(config))


if __name__ == "__main__":
    sys.exit(main())
