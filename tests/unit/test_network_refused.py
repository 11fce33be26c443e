import socket

import pytest


@pytest.mark.parametrize(
    "host",
    [pytest.param("192.0.2.1", id="ipv4"), pytest.param("::ffff:192.0.2.1", id="ipv6")],
)
def test_connecting_beyond_loopback_is_an_error(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(RuntimeError, match=r"192\.0\.2\.1"):
        sock.connect((host, 80))


def test_resolving_a_public_name_is_an_error():
    with pytest.raises(RuntimeError, match=r"example\.com"):
        socket.getaddrinfo("example.com", 80)


def test_loopback_is_allowed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
