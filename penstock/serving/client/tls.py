"""TLS for clients: whom to trust, and who the client is."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a client's TLS, all in PEM.

    Args:
        ca_file: certificates that are trusted; those of the system if left out.
        certificate_file: of the client, where the server asks for one.
        key_file: of the client's certificate.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            raise InvalidArgumentError("certificate_file and key_file must be given together")

    def context(self) -> ssl.SSLContext:
        """Return the settings for HTTP."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    def credentials(self, grpc: Any) -> Any:
        """Return the settings for gRPC; `grpc` is its module."""
        ca, certificate, key = (
            None if path is None else path.read_bytes()
            for path in (self.ca_file, self.certificate_file, self.key_file)
        )
        return grpc.ssl_channel_credentials(ca, key, certificate)
