"""TLS for all ports: certificates from files, read again when they are replaced.

Source: RFC 8446 and RFC 9325; TF Serving's `SSLConfig`, whose fields hold the PEM text itself.
"""

import contextlib
import logging
import os
import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.wire import protos

_log = logging.getLogger("penstock.serving")


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """Certificates, as PEM files.

    Args:
        certificate: of the server, with those between it and the root behind it.
        key: of the server, without a password.
        client_ca: those who may vouch for clients; `None` asks clients for no certificate.
        require_client: whether a client without a certificate is turned away.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None
    require_client: bool = True

    def seen(self) -> tuple[int, ...]:
        """What changes when a file does."""
        files = [self.certificate, self.key, self.client_ca]
        return tuple(os.stat(file).st_mtime_ns for file in files if file is not None)  # noqa: PTH116


class TlsContext:
    """An `ssl.SSLContext` for a server that follows its files.

    Args:
        protocols: for ALPN, the best first: `h2`, `http/1.1`.

    Raises:
        NotFoundError: a file is missing.
        InvalidArgumentError: a file is no certificate or key, or they do not fit each other.
    """

    def __init__(self, config: TlsConfig, protocols: Sequence[str]) -> None:
        self._config = config
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Compression and renegotiation are of use to attackers only.
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(list(protocols))
        if config.client_ca is not None:
            context.verify_mode = (
                ssl.CERT_REQUIRED if config.require_client else ssl.CERT_OPTIONAL
            )
        self.context = context
        self._seen: tuple[int, ...] = ()
        self._load()

    def follow(self) -> bool:
        """Read the files again if they have changed; connections that are open stay.

        Returns:
            Whether there are new ones. What makes no sense is told to the log, once.
        """
        try:
            seen = self._config.seen()
        except OSError:
            return False  # between the removal of the old file and the arrival of the new one
        if seen == self._seen:
            return False
        try:
            self._load()
        except (NotFoundError, InvalidArgumentError) as error:
            self._seen = seen
            _log.warning("certificates stay as they are: %s", error.message)
            return False
        return True

    def _load(self) -> None:
        config = self._config
        try:
            seen = config.seen()
            self.context.load_cert_chain(config.certificate, config.key, _no_password)
            if config.client_ca is not None:
                self.context.load_verify_locations(config.client_ca)
        except FileNotFoundError as error:
            raise NotFoundError(f"'{error.filename or config}' is missing") from error
        except (ssl.SSLError, OSError) as error:
            raise InvalidArgumentError(
                f"'{config.certificate}' and '{config.key}' must be a certificate and its key "
                f"in PEM format: {error}"
            ) from error
        self._seen = seen


def read_ssl_config(path: Path) -> TlsConfig:
    """Return what a file with TF Serving's `SSLConfig` in text format says.

    The PEM text in it goes to files that only this user can read, because OpenSSL reads files.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it says something else.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"'{path}' cannot be read: {error.strerror}") from error
    config = protos.parse_text(protos.find("tensorflow.serving.SSLConfig"), text, f"'{path}'")
    if not (config.server_key and config.server_cert):
        raise InvalidArgumentError(f"'{path}' must have server_key and server_cert")
    if config.client_verify and not config.custom_ca:
        raise InvalidArgumentError(f"'{path}' must have custom_ca for client_verify")
    folder = Path(tempfile.mkdtemp(prefix="penstock-tls-"))
    parts = {"key": config.server_key, "cert": config.server_cert, "ca": config.custom_ca}
    for name, content in parts.items():
        (folder / name).touch(0o600)
        (folder / name).write_text(content, encoding="utf-8")
    ca = folder / "ca" if config.client_verify else None
    return TlsConfig(folder / "cert", folder / "key", ca)


def remove_copies(config: TlsConfig) -> None:
    """Remove the files that `read_ssl_config` made."""
    folder = config.key.parent
    if folder.name.startswith("penstock-tls-"):
        for name in ("key", "cert", "ca"):
            (folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


def _no_password() -> str:
    # OpenSSL would ask for it at the terminal, and wait.
    raise InvalidArgumentError("the key of the server must have no password")
