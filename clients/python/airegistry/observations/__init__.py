"""What was measured of endpoints and agents, as values."""
