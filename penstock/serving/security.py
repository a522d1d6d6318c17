"""The security of a server: who is let in, and what they may do, from its files.

The files are looked at from time to time; one that makes no sense changes nothing but the log.
"""

import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import InvalidArgumentError, OpError
from penstock.serving.call import Call
from penstock.serving.middleware.api_keys import ApiKeys
from penstock.serving.middleware.identity import IdentityCheck
from penstock.serving.middleware.quota import QuotaCheck, read_quotas
from penstock.serving.middleware.roles import LocalAdminCheck, RoleCheck, read_policy
from penstock.serving.middleware.tokens import TokenConfig, Tokens
from penstock.serving.tls import TlsConfig

_log = logging.getLogger("penstock.serving")


@dataclass(frozen=True, slots=True)
class SecurityConfig:
    """Who is let in, and what they may do.

    Args:
        tls: certificates; `None` for plain text.
        api_keys_file: the keys of clients, as hashes.
        tokens: which tokens of an identity provider are believed.
        with_certificates: whether the certificate of a client tells who it is.
        with_anonymous: whether calls without a credential are let in, as client `anonymous`.
        policy_file: roles and quotas.
        reload_s: time between two looks at the files.
    """

    tls: TlsConfig | None = None
    api_keys_file: Path | None = None
    tokens: TokenConfig | None = None
    with_certificates: bool = False
    with_anonymous: bool = False
    policy_file: Path | None = None
    reload_s: float = 10.0

    def __post_init__(self) -> None:
        if self.with_certificates and (self.tls is None or self.tls.client_ca is None):
            raise InvalidArgumentError(
                "clients can be known by their certificates only with --tls_client_ca_file"
            )

    @property
    def knows_clients(self) -> bool:
        """Whether clients have to say who they are."""
        return bool(self.api_keys_file or self.tokens or self.with_certificates)


class Security:
    """The middleware that a configuration asks for, and the files behind it.

    Raises:
        OpError: a file is missing or makes no sense.
    """

    def __init__(self, config: SecurityConfig) -> None:
        self.middleware: list[object] = []
        self._followed: list[_Followed] = []
        if config.knows_clients:
            keys = None if config.api_keys_file is None else ApiKeys(config.api_keys_file)
            tokens = None if config.tokens is None else Tokens(config.tokens)
            self.middleware.append(
                IdentityCheck(
                    keys,
                    tokens,
                    with_certificates=config.with_certificates,
                    with_anonymous=config.with_anonymous,
                )
            )
            if keys is not None:
                self._followed.append(_Followed(keys.path, keys.reload))
            roles = RoleCheck(
                None if config.policy_file is None else read_policy(config.policy_file)
            )
            self.middleware.append(roles)
        else:
            roles = None
            self.middleware.append(LocalAdminCheck())
        if config.policy_file is not None:
            self._add_policy(config.policy_file, roles)

    def guard(self, call: Call) -> None:
        """Refuse a call that goes to no model, as the middleware would.

        Raises:
            OpError: its client may not do that.
        """
        for each in self.middleware:
            each.admit(call)  # type: ignore[attr-defined]

    def follow(self) -> None:
        """Read the files again that have changed."""
        for each in self._followed:
            each.look()

    def _add_policy(self, path: Path, roles: RoleCheck | None) -> None:
        quota = QuotaCheck(read_quotas(path))
        self.middleware.append(quota)

        def reload() -> None:
            policy, quotas = read_policy(path), read_quotas(path)
            if roles is not None:
                roles.replace(policy)
            quota.replace(quotas)

        if roles is None:
            read_policy(path)
        self._followed.append(_Followed(path, reload))


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may lead anywhere


class _Followed:
    """A file, and what is to be done when it has changed."""

    def __init__(self, path: Path, reload: Callable[[], None]) -> None:
        self._path = path
        self._reload = reload
        self._seen = _time_of(path)

    def look(self) -> None:
        seen = _time_of(self._path)
        if seen is None or seen == self._seen:
            return
        self._seen = seen
        try:
            self._reload()
        except OpError as error:
            _log.warning("nothing changes: %s", error.message)
            return
        _log.info("%s: read again", self._path)


def _time_of(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_ino
