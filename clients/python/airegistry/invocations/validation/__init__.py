"""Whether what a caller wants to invoke keeps the rules that the protos' comments state."""

from airegistry.invocations.validation.invocation import validate, validate_input

__all__ = ["validate", "validate_input"]
