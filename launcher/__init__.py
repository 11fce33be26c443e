"""Everything on one machine with one command: registry, gateway, a real catalog and a demo backend."""
