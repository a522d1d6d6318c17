"""Who calls: by API key, by token, or by certificate."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from penstock.core.errors import UnauthenticatedError
from penstock.serving.call import Call, Identity
from penstock.serving.middleware.api_keys import PREFIX

ANONYMOUS = "anonymous"
_BEARER = b"bearer "
_TOO_MUCH = "a call must have one credential, got several"


class Credentials(Protocol):
    """Tells whom a credential belongs to."""

    def identify(self, credential: bytes) -> Identity:
        """Return the client, or raise UnauthenticatedError."""


class IdentityCheck:
    """Middleware that finds out who calls, and lets nobody in whom it does not know.

    A key comes as `x-api-key: <key>` or `authorization: Bearer <key>`, a token as
    `authorization: Bearer <token>`, in the headers of HTTP or the metadata of gRPC. A
    certificate counts when the connection has one and no other credential is there.

    Args:
        keys: knows API keys.
        tokens: knows tokens.
        with_certificates: whether the certificate of a connection tells who calls.
        with_anonymous: whether calls without any credential are let in, as `anonymous`; what
            they may do is for roles to say.
    """

    def __init__(
        self,
        keys: Credentials | None = None,
        tokens: Credentials | None = None,
        *,
        with_certificates: bool = False,
        with_anonymous: bool = False,
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._with_certificates = with_certificates
        self._anonymous = Identity(ANONYMOUS) if with_anonymous else None

    def admit(self, call: Call) -> None:
        """Put the identity into a call.

        Raises:
            UnauthenticatedError: it has no credential, or one that is not to be believed.
        """
        call.identity = self._identify(call)

    def _identify(self, call: Call) -> Identity:
        key, bearer = _credentials(call.headers)
        if key is not None:
            if bearer is not None:
                raise UnauthenticatedError(_TOO_MUCH)
            return self._by_key(key)
        if bearer is not None:
            return self._by_key(bearer) if bearer.startswith(PREFIX) else self._by_token(bearer)
        if self._with_certificates and call.certificate is not None:
            return identity_of(call.certificate)
        if self._anonymous is not None:
            return self._anonymous
        raise UnauthenticatedError(
            "a call must have a credential; send 'authorization: Bearer <key or token>'"
        )

    def _by_key(self, key: bytes) -> Identity:
        if self._keys is None:
            raise UnauthenticatedError("this server takes no API keys")
        return self._keys.identify(key)

    def _by_token(self, token: bytes) -> Identity:
        if self._tokens is None:
            raise UnauthenticatedError("this server takes no tokens")
        return self._tokens.identify(token)


def identity_of(certificate: Mapping[str, Any]) -> Identity:
    """Return the client that a certificate names; its organisational units are its roles.

    Raises:
        UnauthenticatedError: it names nobody.
    """
    fields = [pair for part in certificate.get("subject", ()) for pair in part]
    names = [value for name, value in fields if name == "commonName"]
    names += [value for kind, value in certificate.get("subjectAltName", ()) if kind == "URI"]
    names += [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    if not names:
        raise UnauthenticatedError("the certificate names no client")
    roles = frozenset(v for name, v in fields if name == "organizationalUnitName")
    return Identity(str(names[0]), roles)


def _credentials(headers: Sequence[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """The API key and the bearer of a call."""
    key = bearer = None
    for name, value in headers:
        if name == b"authorization":
            if bearer is not None:
                raise UnauthenticatedError(_TOO_MUCH)
            if value[: len(_BEARER)].lower() != _BEARER:
                raise UnauthenticatedError("authorization must be of the kind Bearer")
            bearer = value[len(_BEARER) :].strip()
        elif name == b"x-api-key":
            if key is not None:
                raise UnauthenticatedError(_TOO_MUCH)
            key = value
    return key, bearer
