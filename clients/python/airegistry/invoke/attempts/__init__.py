"""One call, attempt by attempt: from the words for a target to what its answer used."""
