"""What the command says of a server that it cannot call for the sake of TLS."""

import socket
import ssl
import threading
from contextlib import contextmanager, suppress

import pytest
import trustme
from typer.testing import CliRunner

from airegistry.cli import reaching
from airegistry.cli.app import build
from airegistry.cli.arguments import hoisted
from airegistry.cli.failures import lines
from airegistry.cli.session import Session
from airegistry.errors import UnavailableError
from tests.tls_folders import TlsFolder


@pytest.fixture
def folder(tmp_path):
    return TlsFolder(tmp_path)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Nobody here is silent: what a server wants is heard on a busy machine, too."""
    monkeypatch.setattr(reaching, "_WAIT", 30.0)


@contextmanager
def server(tls=None):
    """Run a server that takes whatever is said to it, or a handshake, and hangs up; yield its address."""

    def answer():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            # asyncio would say nothing of a handshake that failed.
            with (
                suppress(OSError),
                connection if tls is None else tls.wrap_socket(connection, server_side=True) as peer,
            ):
                if tls is None:
                    peer.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(target=answer)
        answering.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    answering.join()


def tls_of(folder, *, asks=False, version=ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder.certificate, folder.key)
    context.set_alpn_protocols(["h2"])
    context.maximum_version = version
    if asks:
        context.load_verify_locations(folder.authority_file)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def told(address, *options):
    """Return what the command says when it fails."""
    line = ["list", "models", "--registry", address, "--timeout", "30", *map(str, options)]
    ended = CliRunner().invoke(build(), hoisted(line))
    assert ended.exit_code == 3
    return ended.stderr


CA = "--ca-file (AIREGISTRY_CA_FILE)"
PAIR = "--cert-file and --key-file (AIREGISTRY_CERT_FILE, AIREGISTRY_KEY_FILE)"


def test_a_server_that_speaks_tls_is_there_and_wants_its_authorities_named(folder):
    with server(tls_of(folder)) as address:
        said = told(address)
        assert said.startswith(f"UNAVAILABLE: the registry at {address} speaks TLS: it needs {CA}")
        assert "--cert-file" not in said
        both = f"127.0.0.1:1,{address}"
        assert f"the registry at {both} speaks TLS" in told(both)


def test_of_several_servers_the_one_that_speaks_tls_is_found_whichever_was_called_last(folder):
    with server(tls_of(folder)) as address:
        session = Session(registry=f"127.0.0.1:1,{address}", gateway="")
        (said,) = lines(session, "registry", UnavailableError("nobody answers: connection refused"))
    assert f"{address} speaks TLS: it needs {CA}" in said


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls-1.2", "tls-1.3"])
def test_a_server_that_asks_for_certificates_wants_one_shown(folder, version):
    with server(tls_of(folder, asks=True, version=version)) as address:
        said = told(address)
        assert CA in said
        assert PAIR in said
        said = told(address, "--ca-file", folder.authority_file)
        assert said.startswith(f"UNAVAILABLE: the registry at {address} speaks TLS: it needs {PAIR}")


def test_a_server_that_is_not_trusted_is_none_that_is_away(folder, tmp_path):
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with server(tls_of(folder)) as address:
        said = told(address, "--ca-file", tmp_path / "other.pem")
    assert f"no registry can be called at {address}: the server's certificate is not trusted" in said
    assert CA in said
    assert "airegistry up" not in said


def test_a_server_without_tls_is_not_asked_for_its_certificate(folder):
    with server() as address:
        said = told(address, "--ca-file", folder.authority_file)
    assert f"no registry can be called at {address}: TLS failed" in said
    assert "a server without TLS wants none" in said


@pytest.mark.parametrize("address", ["127.0.0.1:1", "unix:/nowhere", "ipv4:127.0.0.1:1"])
def test_who_is_not_there_speaks_nothing(address):
    assert f"no registry answers at {address}\n" in told(address)


def test_who_hangs_up_without_tls_is_no_server_that_answers():
    with server() as address:
        assert f"no registry answers at {address}\n" in told(address)
