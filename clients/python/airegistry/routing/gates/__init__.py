"""Who must not be asked now: breakers, outages, credentials that were refused, limits."""
