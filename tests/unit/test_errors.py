import inspect
import re

import pytest

from airegistry import errors
from airegistry.errors import FieldViolation, InvalidArgumentError, ProviderFailedError, RegistryError

CLASSES = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, RegistryError)]


def drawn():
    """Read the tree at the top of the module: each class with the class that it hangs under."""
    above = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"((?:│   |    )*)(?:├── |└── )?(\w+Error)\b", line)
        if found:
            depth = 0 if "── " not in line else len(found[1]) // 4 + 1
            path[depth:] = [found[2]]
            above[found[2]] = path[depth - 1] if depth else None
    return above


def test_the_tree_that_is_drawn_is_the_tree_that_is():
    real = {cls.__name__: None if cls is RegistryError else cls.__mro__[1].__name__ for cls in CLASSES}
    assert drawn() == real


def test_every_class_has_its_own_reason_and_says_what_it_means():
    reasons = [cls.reason for cls in CLASSES]
    assert len(set(reasons)) == len(reasons)
    assert all(re.fullmatch(r"[A-Z][A-Z_]*[A-Z]", reason) for reason in reasons)
    assert all(cls.__doc__ for cls in CLASSES)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_class_takes_a_message_and_the_facts_that_all_have(cls):
    error = cls("what happened", metadata={"a": "1"}, retry_after=2.5, details=["d"])
    assert (error.message, str(error), error.metadata) == ("what happened", "what happened", {"a": "1"})
    assert (error.retry_after, error.details) == (2.5, ("d",))


def test_violations_are_the_message_when_there_is_no_other():
    error = InvalidArgumentError(violations=[FieldViolation("a", "is required"), FieldViolation("b", "is too long")])
    assert str(error) == "a: is required; b: is too long"


def test_the_error_of_one_field_is_of_the_class_that_was_asked():
    error = errors.UnsupportedFieldError.of("filter", "is not implemented")
    assert type(error) is errors.UnsupportedFieldError
    assert error.violations == (FieldViolation("filter", "is not implemented"),)


def test_a_provider_without_an_answer_has_no_http_status():
    assert ProviderFailedError("reset").http_status is None
