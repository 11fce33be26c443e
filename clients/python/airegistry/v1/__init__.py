"""Messages and stubs generated from protos/airegistry/v1; `make protos` writes this folder."""
