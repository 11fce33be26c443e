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
from tests.tls_folders import TlsFolder
from tests.waiting import until


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "envoy").mkdir()
    return TlsFolder(tmp_path)


def tls(folder, **changes):
    return Tls(folder.certificate, folder.key, **changes)


async def test_calls_come_over_http2_and_only_encrypted(folder, tmp_path):
    async with running(plan(tmp_path / "envoy", tls=tls(folder))) as envoy:
        assert await folder.name_of(envoy.address) == ("first", "h2")
        trusted = grpc.ssl_channel_credentials((folder.authority_file).read_bytes())
        async with aio.secure_channel(envoy.address, trusted) as channel:
            answer = await RegistryServiceStub(channel).Get(pb.GetRequest(name="models/tiny"))
            assert answer.revision == 7
        async with aio.insecure_channel(envoy.address) as channel:
            with pytest.raises(aio.AioRpcError):
                await RegistryServiceStub(channel).Get(pb.GetRequest(name="models/tiny"))


@pytest.mark.parametrize("renamed", [True, False], ids=["renamed", "in-place"])
async def test_files_that_have_changed_are_used_once_they_fit(folder, tmp_path, renamed, caplog):
    planned = plan(tmp_path / "envoy", tls=tls(folder))
    async with running(planned) as envoy, looked_after(planned.tls, planned.folder, every=0.02):
        await folder.wait_for_name(envoy.address, "first")
        whole = (folder.path / "tls.key").read_bytes()
        (folder.path / "tls.key").write_bytes(whole[:100])
        await until(lambda: "not used yet" in caplog.text)
        await asyncio.sleep(0.2)
        assert (await folder.name_of(envoy.address))[0] == "first"
        assert caplog.text.count("not used yet") == 1
        folder.put("second", renamed=renamed)
        await folder.wait_for_name(envoy.address, "second")


async def test_clients_must_show_a_certificate_of_the_authority(folder, tmp_path):
    mutual = tls(folder, client_ca=folder.authority_file)
    async with running(plan(tmp_path / "envoy", tls=mutual)) as envoy:
        ours = folder.authority.issue_cert("client.example")
        assert (await folder.name_of(envoy.address, client=ours))[0] == "first"
        refused = {
            "none": None,
            "foreign": trustme.CA().issue_cert("client.example"),
            "expired": folder.authority.issue_cert("client.example", **LONG_AGO),
        }
        for client in refused.values():
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await folder.name_of(envoy.address, client=client)
