"""Generated from protos/airegistry/v1; do not edit."""
