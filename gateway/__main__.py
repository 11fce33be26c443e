"""`python -m gateway`: the gateway as a process."""

from __future__ import annotations

import os
import sys

from airegistry._rpc.logs import configure_logs
from airegistry._rpc.process import StartError, run
from airegistry._rpc.settings import read_settings
from gateway.app import serve
from gateway.config import Config


def main() -> int:
    """Serve until a signal; return the exit code."""
    try:
        config = read_settings(Config, "gateway", sys.argv[1:])
    except StartError as error:
        sys.stderr.write(f"gateway: {error}\n")
        return error.exit_code
    configure_logs(config.log_level, config.log_format)
    return run("gateway", lambda: serve(config, environment=os.environ))


if __name__ == "__main__":
    sys.exit(main())
