"""An order of candidates that is learned from what became of calls: pure state and functions, driven by whoever calls.

Only who passed every filter is ordered. Nothing here knows a wire, a file or a clock.
"""
