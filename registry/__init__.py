"""The control plane: who serves which model, as one ordered history."""
