"""`python -m gateway`: the gateway as a process, or as several behind the same ports."""

import sys

from airegistry._rpc.running import main
from gateway.program import GATEWAY

if __name__ == "__main__":
    sys.exit(main(GATEWAY, sys.argv[1:]))
