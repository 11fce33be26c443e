"""Messages and stubs generated from protos/airegistry/a2a/v1; `make protos` writes this folder."""
