"""Fakes for the tests of those who use a registry: real gRPC on loopback, everything in memory."""

from airegistry.testing.fake_registry import FakeRegistry

__all__ = ["FakeRegistry"]
