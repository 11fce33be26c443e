"""What is said of something that fails over and over."""

import logging

from airegistry.errors import UnavailableError
from airegistry.outage import Outage


def test_an_outage_is_said_once_and_once_when_it_is_over(caplog):
    outage = Outage(logging.getLogger("test"), "the thing")
    outage.worked()
    for _ in range(3):
        outage.failed(UnavailableError("no answer"))
    outage.worked()
    outage.worked()
    first, last = (record.getMessage() for record in caplog.records)
    assert first == "the thing failed, and is tried again: no answer"
    assert last.startswith("the thing works again after ")
    outage.failed(UnavailableError("no answer"))
    assert len(caplog.records) == 3
