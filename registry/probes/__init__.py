"""The plane's own look at endpoints: how far up the ladder it comes, and what is believed of that."""
