"""`python -m registry`: the registry as a process, or as several behind one port."""

import sys

from airegistry._rpc.running import main
from registry.program import REGISTRY

if __name__ == "__main__":
    sys.exit(main(REGISTRY, sys.argv[1:]))
