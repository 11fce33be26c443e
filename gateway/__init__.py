"""The data plane: calls to models, answered by whoever can."""
