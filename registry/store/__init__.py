"""Where the truth is kept: resources, their history, leases, and replies for retries."""
