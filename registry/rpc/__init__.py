"""RegistryService: requests checked and converted, answers spliced from stored bytes."""
