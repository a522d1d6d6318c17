"""What a client may do: its roles, and the models and actions that are open to each role.

The policy is a TOML file:

    [roles.reader]
    actions = ["predict", "metadata"]
    models = ["digits", "fraud-*"]

    [roles.operator]
    actions = ["*"]

    [clients]               # roles of clients, beside those that their credentials bring
    "spiffe://prod/web" = ["reader"]
    anonymous = ["reader"]
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError, PermissionDeniedError
from penstock.serving.call import Call, Identity
from penstock.serving.middleware.api_keys import read_toml

PREDICT, METADATA, METRICS, ADMIN = "predict", "metadata", "metrics", "admin"
ACTIONS = (PREDICT, METADATA, METRICS, ADMIN)
EVERYTHING = "*"
_KEPT = 4096

# What is not in the table asks for the right to do everything.
_ACTION_OF = {
    **dict.fromkeys(
        ("Predict", "Classify", "Regress", "MultiInference", "ModelInfer", "ModelStreamInfer"),
        PREDICT,
    ),
    **dict.fromkeys(
        ("GetModelMetadata", "GetModelStatus", "ModelMetadata", "ModelReady", "ServerMetadata"),
        METADATA,
    ),
    **dict.fromkeys(("OpenAPI", "RepositoryIndex"), METADATA),
    "Metrics": METRICS,
}


@dataclass(frozen=True, slots=True)
class Role:
    """What one role may do.

    Args:
        actions: `predict`, `metadata`, `metrics`, `admin`, or `*` for all.
        models: patterns of names, in which `*` stands for any characters.
    """

    actions: frozenset[str]
    models: tuple[str, ...] = (EVERYTHING,)

    def allows(self, action: str, model: str) -> bool:
        """Whether an action on a model is open."""
        if not (action in self.actions or EVERYTHING in self.actions):
            return False
        return any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class Policy:
    """Roles by name, and the roles that clients have besides those of their credentials."""

    roles: Mapping[str, Role]
    clients: Mapping[str, frozenset[str]]

    def allows(self, identity: Identity, action: str, model: str) -> bool:
        """Whether a client may do something."""
        names = identity.roles | self.clients.get(identity.name, frozenset())
        return any(
            role.allows(action, model) for name in names if (role := self.roles.get(name))
        )


# Without a file whoever is known may ask models, and those with the role "admin" all.
DEFAULT_ROLES: Mapping[str, Role] = {"admin": Role(frozenset({EVERYTHING}))}
_MEMBER = Role(frozenset({PREDICT, METADATA, METRICS}))


class RoleCheck:
    """Middleware that lets a call pass when a role of its client allows it.

    Args:
        policy: what is allowed; `None` for the default.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy
        self._known: dict[tuple[str, frozenset[str], str, str], bool] = {}

    def replace(self, policy: Policy) -> None:
        """Follow another policy from the next call on."""
        self._policy, self._known = policy, {}

    def admit(self, call: Call) -> None:
        """Check a call.

        Raises:
            PermissionDeniedError: no role allows it.
        """
        identity = call.identity
        assert identity is not None, "identities come before roles"
        key = (identity.name, identity.roles, call.api, call.spec.name)
        known = self._known
        allowed = known.get(key)
        if allowed is None:
            action = _ACTION_OF.get(call.api, ADMIN)
            allowed = self._allows(identity, action, call.spec.name)
            # Clients choose the names, so what is remembered of them is bounded.
            if len(known) >= _KEPT:
                known.clear()
            known[key] = allowed
        if not allowed:
            action = _ACTION_OF.get(call.api, ADMIN)
            raise PermissionDeniedError(
                f"client '{identity.name}' must have a role that allows '{action}' of model "
                f"'{call.spec.name}'"
            )

    def _allows(self, identity: Identity, action: str, model: str) -> bool:
        if self._policy is not None:
            return self._policy.allows(identity, action, model)
        return _MEMBER.allows(action, model) or any(
            role.allows(action, model)
            for name, role in DEFAULT_ROLES.items()
            if name in identity.roles
        )


class LocalAdminCheck:
    """Middleware for servers that know no clients: only those on this machine administer.

    Whoever can reach a server may ask its models then, but must not change them.
    """

    def admit(self, call: Call) -> None:
        """Check a call.

        Raises:
            PermissionDeniedError: it would change the server, and comes from elsewhere.
        """
        if _ACTION_OF.get(call.api, ADMIN) == ADMIN and not _is_local(call.peer):
            raise PermissionDeniedError(
                f"'{call.api}' needs a client that is known when it comes from elsewhere; "
                "see --api_keys_file"
            )


def read_policy(path: Path) -> Policy:
    """Return the policy of a file.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it says something else.
    """
    table = read_toml(path, "policy file")
    unknown = sorted(table.keys() - {"roles", "clients", "quota"})
    if unknown:
        raise InvalidArgumentError(
            f"policy file '{path}' must have roles, clients and quota only, got {unknown}"
        )
    roles = {
        name: _read_role(entry, f"role '{name}' in '{path}'")
        for name, entry in _table(table.get("roles", {}), f"'roles' in '{path}'").items()
    }
    clients = {
        name: frozenset(_texts(value, f"client '{name}' in '{path}'"))
        for name, value in _table(table.get("clients", {}), f"'clients' in '{path}'").items()
    }
    for name, named in clients.items():
        if missing := sorted(named - roles.keys()):
            raise InvalidArgumentError(
                f"client '{name}' in '{path}' must have roles that are there, got {missing}"
            )
    return Policy(roles, clients)


def _read_role(entry: Any, what: str) -> Role:
    entry = _table(entry, what)
    unknown = sorted(entry.keys() - {"actions", "models"})
    if unknown:
        raise InvalidArgumentError(f"{what} must have actions and models only, got {unknown}")
    actions = _texts(entry.get("actions"), f"'actions' of {what}")
    if wrong := sorted(set(actions) - {*ACTIONS, EVERYTHING}):
        raise InvalidArgumentError(
            f"'actions' of {what} must be among {', '.join(ACTIONS)} and *, got {wrong}"
        )
    models = _texts(entry.get("models", [EVERYTHING]), f"'models' of {what}")
    return Role(frozenset(actions), tuple(models))


def _table(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidArgumentError(f"{what} must be a table, got {value!r}")
    return value


def _texts(value: Any, what: str) -> list[str]:
    if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise InvalidArgumentError(f"{what} must be a list of names, got {value!r}")
    return value


def _is_local(peer: str) -> bool:
    # Nothing stands there for a Unix socket.
    return peer in ("", "::1") or peer.startswith(("127.", "::ffff:127."))
