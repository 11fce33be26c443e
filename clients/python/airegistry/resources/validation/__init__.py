"""Whether what a registrant says keeps the rules that the protos' comments state."""

from airegistry.resources.validation.query import validate_query
from airegistry.resources.validation.resource import validate, validate_labels
from airegistry.resources.validation.route import validate_policy

__all__ = ["validate", "validate_labels", "validate_policy", "validate_query"]
