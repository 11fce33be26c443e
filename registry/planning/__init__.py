"""What each kind of request would change, decided against the published state; nothing here waits or writes."""
