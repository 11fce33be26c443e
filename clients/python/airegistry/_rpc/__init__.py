"""Carrying calls: the shape of a handler, and grpc.aio as the carrier of both ends."""
