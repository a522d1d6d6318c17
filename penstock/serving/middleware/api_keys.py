"""API keys: made here, kept as hashes, found again by the first half of the key.

A key is `psk_<id>_<secret>`. The secret has 256 random bits, so a plain SHA-256 of it tells
nothing; a slow hash would only slow down every request.
"""

import datetime as dt
import hashlib
import hmac
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError, NotFoundError, UnauthenticatedError
from penstock.serving.call import Identity

PREFIX = b"psk_"
_MAX_FILE_BYTES = 16 << 20
_FIELDS = {"id", "client", "sha256", "roles", "expires"}


@dataclass(frozen=True, slots=True)
class _Key:
    digest: bytes
    identity: Identity
    expires: dt.datetime | None


def new_key(client: str, roles: tuple[str, ...] = ()) -> tuple[str, str]:
    """Make a key.

    Returns:
        The key, which is kept nowhere, and the lines for the file of keys.
    """
    name, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    digest = hashlib.sha256(secret.encode()).hexdigest()
    listed = ", ".join(_quoted(role) for role in roles)
    lines = (
        "[[keys]]\n"
        f'id = "{name}"\n'
        f"client = {_quoted(client)}\n"
        f'sha256 = "{digest}"\n'
        f"roles = [{listed}]\n"
    )
    return f"psk_{name}_{secret}", lines


class ApiKeys:
    """The keys of a file.

    Args:
        path: a TOML file with a table `[[keys]]` for each key: `id`, `client`, `sha256` of the
            secret in hexadecimal digits, and perhaps `roles` and `expires`.
        now: the time.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it says something else.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.path = path
        self._now = now
        self._keys: Mapping[bytes, _Key] = {}
        self.reload()

    def reload(self) -> None:
        """Read the file again; when it makes no sense the keys stay as they are.

        Raises:
            NotFoundError: there is no such file.
            InvalidArgumentError: it says something else.
        """
        table = read_toml(self.path, "file of API keys")
        unknown = sorted(table.keys() - {"keys"})
        if unknown:
            raise InvalidArgumentError(f"'{self.path}' must have [[keys]] only, got {unknown}")
        self._keys = dict(self._read(entry) for entry in table.get("keys", []))

    def identify(self, key: bytes) -> Identity:
        """Return who a key belongs to.

        Raises:
            UnauthenticatedError: nobody, or it is not valid any more.
        """
        name, _, secret = key.removeprefix(PREFIX).partition(b"_")
        found = self._keys.get(name)
        digest = hashlib.sha256(secret).digest()
        if found is None or not hmac.compare_digest(digest, found.digest):
            raise UnauthenticatedError("the API key is not known")
        if found.expires is not None and self._now() >= found.expires:
            raise UnauthenticatedError("the API key is not valid any more")
        return found.identity

    def _read(self, entry: Mapping[str, Any]) -> tuple[bytes, _Key]:
        what = f"a key in '{self.path}'"
        unknown = sorted(entry.keys() - _FIELDS)
        if unknown:
            raise InvalidArgumentError(f"{what} must not have {unknown}")
        name, client, digest = (entry.get(field) for field in ("id", "client", "sha256"))
        if not (isinstance(name, str) and name and "_" not in name and name.isascii()):
            raise InvalidArgumentError(f"{what} must have an id without '_', got {name!r}")
        if not (isinstance(client, str) and client):
            raise InvalidArgumentError(f"{what} must name its client, got {client!r}")
        try:
            binary = bytes.fromhex(digest) if isinstance(digest, str) else b""
        except ValueError:
            binary = b""
        if len(binary) != hashlib.sha256().digest_size:
            raise InvalidArgumentError(
                f"{what} must have the SHA-256 of its secret in 64 hexadecimal digits"
            )
        roles = entry.get("roles", [])
        if not (isinstance(roles, list) and all(isinstance(role, str) for role in roles)):
            raise InvalidArgumentError(f"{what} must have a list of roles, got {roles!r}")
        expires = entry.get("expires")
        if isinstance(expires, dt.date) and not isinstance(expires, dt.datetime):
            expires = dt.datetime.combine(expires, dt.time())
        if expires is not None and not isinstance(expires, dt.datetime):
            raise InvalidArgumentError(f"{what} must have a date in 'expires', got {expires!r}")
        if expires is not None and expires.tzinfo is None:
            expires = expires.replace(tzinfo=dt.UTC)
        return name.encode(), _Key(binary, Identity(client, frozenset(roles)), expires)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return what a small TOML file says.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it is no TOML, or too large.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise NotFoundError(f"{what} '{path}' cannot be read: {error.strerror}") from error
    if len(text) > _MAX_FILE_BYTES:
        raise InvalidArgumentError(f"{what} '{path}' must have at most {_MAX_FILE_BYTES} bytes")
    try:
        return tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgumentError(f"{what} '{path}' must be TOML: {error}") from error


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    if not escaped.isprintable():
        raise InvalidArgumentError(f"a name must be printable, got {text!r}")
    return f'"{escaped}"'
