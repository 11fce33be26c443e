"""The second carrier: Envoy, with the server inside it."""
