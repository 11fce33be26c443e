"""What was measured of endpoints and agents: taken in, counted once, kept in windows and rollups."""
