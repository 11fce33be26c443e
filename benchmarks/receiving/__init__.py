"""The receiving side of what is watched: a process of its own, in Go where there is Go, else in Python."""
