"""gRPC over ASGI, for a server that has HTTP/2 and trailers, and no gRPC of its own."""
