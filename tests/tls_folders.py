"""Folders with a server's certificate and key, which can be replaced."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import trustme


class TlsFolder:
    """A folder with a server's certificate, its key and the authority of its clients."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.path = folder / "certificates"
        self.path.mkdir()
        self.certificate = self.path / "tls.crt"
        self.key = self.path / "tls.key"
        self.authority_file = self.path / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.authority_file))
        self.put("first")

    def put(self, name: str, *, renamed: bool = False) -> None:
        """Put a certificate for *name* there, in place of the one before or by renaming."""
        issued = self.authority.issue_cert("127.0.0.1", common_name=name)
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        for file, content in ((self.certificate, chain), (self.key, issued.private_key_pem.bytes())):
            if renamed:
                new = file.with_suffix(".new")
                new.write_bytes(content)
                new.replace(file)
            else:
                file.write_bytes(content)

    async def name_of(self, address: str, *, client: trustme.LeafCert | None = None) -> tuple[str, str | None]:
        """Return the name in the certificate of the server, and the protocol that was agreed on."""
        context = ssl.create_default_context(cafile=self.authority_file)
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

    async def wait_for_name(self, address: str, name: str, *, client: trustme.LeafCert | None = None) -> None:
        """Wait until the server shows the certificate for *name*."""
        async with asyncio.timeout(60):
            while (await self.name_of(address, client=client))[0] != name:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
