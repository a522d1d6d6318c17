"""Tokens of an identity provider: JSON Web Tokens, checked with the keys that it publishes.

Source: RFC 7519 (JWT), RFC 7517 (JWK), RFC 8725 (best practices), OpenID Connect Discovery.
"""

import importlib
import json
import logging
import threading
import time
import urllib.parse
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.core.errors import (
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)
from penstock.serving.call import Identity

# Only signatures that the server cannot forge itself: with a shared secret, or the algorithm
# "none", whoever can read the configuration could be anybody.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_MAX_BYTES = 1 << 20
_MAX_TOKEN_BYTES = 16 << 10
_KEPT = 4096
_FETCH_TIMEOUT_S = 5.0
_NOT_SOONER_S = 30.0
_REFRESH_S = 3600.0

_log = logging.getLogger("penstock.serving")


@dataclass(frozen=True, slots=True)
class TokenConfig:
    """Which tokens are believed, and what they say.

    Args:
        jwks: file or `https` address of the provider's keys; left out, it is found through the
            issuer.
        issuer: that a token must name.
        audience: that a token must name: this server, as the provider knows it.
        client_claim: the name of the client.
        roles_claim: its roles; dots lead into objects, as in `realm_access.roles`.
        leeway_s: by how much clocks may differ.
    """

    jwks: str = ""
    issuer: str = ""
    audience: str = ""
    client_claim: str = "sub"
    roles_claim: str = "roles"
    leeway_s: float = 30.0

    def __post_init__(self) -> None:
        if not (self.jwks or self.issuer):
            raise InvalidArgumentError("tokens need --jwt_jwks or --jwt_issuer, got neither")
        if not self.audience:
            raise InvalidArgumentError(
                "tokens need --jwt_audience, or those made for other services would be taken"
            )


class Tokens:
    """Checks tokens.

    Args:
        config: which are believed.
        fetch: gives what is at an address.
        clock: seconds, rising; when keys are fetched again.
        now: seconds since the epoch; when tokens expire.

    Raises:
        UnimplementedError: PyJWT is not installed.
        InvalidArgumentError: the keys make no sense.
    """

    def __init__(
        self,
        config: TokenConfig,
        fetch: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._jwt = _import_jwt()
        self._config = config
        self._fetch = fetch or _fetch
        self._clock = clock
        self._now = now
        self._keys: Mapping[str, Any] = {}
        self._fetched_at = -_REFRESH_S
        self._fetching = threading.Lock()
        self._known: OrderedDict[bytes, tuple[float, Identity]] = OrderedDict()
        try:
            self.refresh()
        except UnavailableError as error:
            # A provider that is away must not keep a server from starting after a crash.
            _log.warning("%s; tokens are refused until it answers", error.message)

    def identify(self, token: bytes) -> Identity:
        """Return who a token belongs to.

        Raises:
            UnauthenticatedError: it is not to be believed.
        """
        known = self._known.get(token)
        if known is not None and self._now() < known[0]:
            return known[1]
        claims = self._claims(token)
        name = claims.get(self._config.client_claim)
        if not isinstance(name, str) or not name:
            raise UnauthenticatedError(
                f"the token must name its client in '{self._config.client_claim}'"
            )
        identity = Identity(name, _roles(claims, self._config.roles_claim), claims)
        self._known[token] = (float(claims["exp"]) + self._config.leeway_s, identity)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return identity

    def refresh(self) -> None:
        """Fetch the keys.

        Raises:
            UnavailableError: the provider does not answer.
            InvalidArgumentError: what it answers makes no sense.
        """
        self._fetched_at = self._clock()
        keys = _read_keys(self._jwt, self._fetch(self._jwks_address()))
        if keys.keys() != self._keys.keys():
            self._known.clear()  # a key that was taken back ends what it had signed
        self._keys = keys

    def _jwks_address(self) -> str:
        if self._config.jwks:
            return self._config.jwks
        issuer = self._config.issuer.rstrip("/")
        found = _json(self._fetch(f"{issuer}/.well-known/openid-configuration"), issuer)
        # A discovery document for somebody else's issuer would bring somebody else's keys.
        if str(found.get("issuer", "")).rstrip("/") != issuer:
            raise InvalidArgumentError(f"'{issuer}' must say that it is the issuer")
        return str(found.get("jwks_uri", ""))

    def _claims(self, token: bytes) -> dict[str, Any]:
        if len(token) > _MAX_TOKEN_BYTES:
            raise UnauthenticatedError("the token is too long")
        jwt = self._jwt
        try:
            head = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            raise UnauthenticatedError("the token is no JSON Web Token") from None
        key = self._key(head)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=_algorithms_of(key),
                audience=self._config.audience,
                issuer=self._config.issuer or None,
                leeway=self._config.leeway_s,
                options={"require": ["exp"]},
            )
            return claims
        except jwt.PyJWTError as error:
            raise UnauthenticatedError(f"the token is not valid: {error}") from None

    def _key(self, head: Mapping[str, Any]) -> Any:
        name = str(head.get("kid", ""))
        keys = self._keys
        age_s = self._clock() - self._fetched_at
        if age_s > _REFRESH_S or (name not in keys and age_s > _NOT_SOONER_S):
            self._refresh_soon()
        if not name and len(keys) == 1:
            return next(iter(keys.values()))
        if name not in keys:
            raise UnauthenticatedError("the token is signed with a key that is not known")
        return keys[name]

    def _refresh_soon(self) -> None:
        """Fetch the keys in a thread of its own: nobody's request waits for the provider."""
        if not self._fetching.acquire(blocking=False):
            return
        self._fetched_at = self._clock()

        def work() -> None:
            try:
                self.refresh()
            except OpError as error:
                _log.warning("keys of tokens stay as they are: %s", error.message)
            finally:
                self._fetching.release()

        threading.Thread(target=work, name="penstock-jwks", daemon=True).start()


def _algorithms_of(key: Any) -> list[str]:
    """The algorithms for one key: its own if it says so, else those of its kind."""
    kinds = {"RSA": ("RS", "PS"), "EC": ("ES",), "OKP": ("Ed",)}
    told = key.algorithm_name if key._jwk_data.get("alg") else None  # noqa: SLF001
    fitting = [a for a in ALGORITHMS if a.startswith(kinds.get(key.key_type or "", ("-",)))]
    return [a for a in fitting if told is None or a == told]


def _import_jwt() -> Any:
    """The package PyJWT, which takes a while to load, as few servers need it."""
    try:
        return importlib.import_module("jwt")
    except ImportError:
        raise UnimplementedError("tokens need PyJWT: install penstock[security]") from None


def _read_keys(jwt: Any, text: bytes) -> dict[str, Any]:
    """The public keys of a set, by name. What is no key for signatures is passed over."""
    listed = _json(text, "the key set").get("keys")
    if not isinstance(listed, list):
        raise InvalidArgumentError("a key set must have a list 'keys'")
    keys = {}
    for entry in listed:
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        if entry.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        try:
            keys[str(entry.get("kid", ""))] = jwt.PyJWK(entry)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
    if not keys:
        raise InvalidArgumentError("a key set must have at least one public key for signatures")
    return keys


def _json(text: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"{what} must be a JSON object")
    return value


def _roles(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    value: Any = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list):
        return frozenset(role for role in value if isinstance(role, str))
    return frozenset()


def _fetch(address: str) -> bytes:
    if "://" not in address:
        try:
            return Path(address).read_bytes()
        except OSError as error:
            raise NotFoundError(f"'{address}' cannot be read: {error.strerror}") from error
    parts = urllib.parse.urlsplit(address)
    is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise InvalidArgumentError(f"keys must come by https, got '{address}'")
    try:
        with urllib.request.urlopen(  # noqa: S310  (the scheme was looked at)
            address, timeout=_FETCH_TIMEOUT_S
        ) as answer:
            return bytes(answer.read(_MAX_BYTES))
    except OSError as error:
        raise UnavailableError(f"'{address}' does not answer: {error}") from error
