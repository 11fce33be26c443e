"""Transport security in a real Envoy, with certificates that are replaced while it runs."""

import asyncio
import ssl

import grpc
import pytest
import trustme
from grpc import aio

from airegistry._rpc.edge import Tls
from airegistry._rpc.envoy.certificates import looked_after
from airegistry.v1 import registry_service_pb2 as pb
from airegistry.v1.registry_service_pb2_grpc import RegistryServiceStub
from tests.certificates import LONG_AGO
from tests.envoys import plan, running


class Folder:
    """A folder with a server's certificate, its key and the authority of its clients."""

    def __init__(self, folder):
        self.authority = trustme.CA()
        self.path = folder / "certificates"
        self.path.mkdir()
        (folder / "envoy").mkdir()
        self.authority.cert_pem.write_to_path(str(self.path / "ca.pem"))
        self.put("first")

    def put(self, name, *, renamed=False):
        issued = self.authority.issue_cert("127.0.0.1", common_name=name)
        parts = {
            "tls.crt": b"".join(pem.bytes() for pem in issued.cert_chain_pems),
            "tls.key": issued.private_key_pem.bytes(),
        }
        for file, content in parts.items():
            (self.path / f"new-{file}" if renamed else self.path / file).write_bytes(content)
        for file in parts if renamed else ():
            (self.path / f"new-{file}").replace(self.path / file)

    def tls(self, **changes):
        return Tls(self.path / "tls.crt", self.path / "tls.key", **changes)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


async def name_of(address, folder, *, client=None):
    """Return the name in the certificate of the server, and the protocol that was agreed on."""
    context = ssl.create_default_context(cafile=folder.path / "ca.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    if client is not None:
        client.configure_cert(context)
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    wire = writer.get_extra_info("ssl_object")
    subject = dict(pair[0] for pair in wire.getpeercert()["subject"])
    # With TLS 1.3 a server says only after the handshake what it thinks of the client.
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
    said = await reader.read(9)
    writer.close()
    if not said:
        raise ConnectionResetError
    return subject["commonName"], wire.selected_alpn_protocol()


async def wait_for_name(address, folder, name):
    async with asyncio.timeout(20):
        while (await name_of(address, folder))[0] != name:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


async def test_calls_come_over_http2_and_only_encrypted(folder, tmp_path):
    async with running(plan(tmp_path / "envoy", tls=folder.tls())) as envoy:
        assert await name_of(envoy.address, folder) == ("first", "h2")
        trusted = grpc.ssl_channel_credentials((folder.path / "ca.pem").read_bytes())
        async with aio.secure_channel(envoy.address, trusted) as channel:
            answer = await RegistryServiceStub(channel).Get(pb.GetRequest(name="models/tiny"))
            assert answer.revision == 7
        async with aio.insecure_channel(envoy.address) as channel:
            with pytest.raises(aio.AioRpcError):
                await RegistryServiceStub(channel).Get(pb.GetRequest(name="models/tiny"))


@pytest.mark.parametrize("renamed", [True, False], ids=["renamed", "in-place"])
async def test_files_that_have_changed_are_used_once_they_fit(folder, tmp_path, renamed):
    planned = plan(tmp_path / "envoy", tls=folder.tls())
    async with running(planned) as envoy, looked_after(planned.tls, planned.folder, every=0.02):
        await wait_for_name(envoy.address, folder, "first")
        whole = (folder.path / "tls.key").read_bytes()
        (folder.path / "tls.key").write_bytes(whole[:100])
        await asyncio.sleep(0.2)
        assert (await name_of(envoy.address, folder))[0] == "first"
        folder.put("second", renamed=renamed)
        await wait_for_name(envoy.address, folder, "second")


async def test_clients_must_show_a_certificate_of_the_authority(folder, tmp_path):
    tls = folder.tls(client_ca=folder.path / "ca.pem")
    async with running(plan(tmp_path / "envoy", tls=tls)) as envoy:
        ours = folder.authority.issue_cert("client.example")
        assert (await name_of(envoy.address, folder, client=ours))[0] == "first"
        refused = {
            "none": None,
            "foreign": trustme.CA().issue_cert("client.example"),
            "expired": folder.authority.issue_cert("client.example", **LONG_AGO),
        }
        for client in refused.values():
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await name_of(envoy.address, folder, client=client)
