"""Envoy as the carrier of servers that live in the test's own process.

Tests look into the servers that they call, move their clocks and hand them objects, so that those cannot be inside Envoy.
A real Envoy listens in their place, with `tests.bridge.inside` in it: an application that passes every ASGI event over a
Unix socket to the test, where the product's own carrier takes it. Only the wire between Envoy and the application is not
that of production.
"""
