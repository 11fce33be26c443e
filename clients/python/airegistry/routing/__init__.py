"""Who takes a call: pure state and functions, driven by whoever calls."""
