"""Messages and stubs generated from protos/airegistry/inference/v2; `make protos` writes this folder."""
