"""A grpc.aio server that answers every call with the same number of bytes: the reference for any RPC of ours."""

from __future__ import annotations

import argparse
from typing import Any

import grpc
import uvloop
from grpc import aio

PATH = "/benchmarks.Echo/Echo"


async def serve(port: int, size: int) -> None:
    """Answer with *size* bytes until the process is stopped."""
    reply = b"x" * size

    async def echo(_request: bytes, _context: aio.ServicerContext[Any, Any]) -> bytes:
        return reply

    server = aio.server()
    handler = grpc.method_handlers_generic_handler(
        "benchmarks.Echo", {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    )
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--size", type=int, required=True)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.size))
