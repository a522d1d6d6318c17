"""What clients may do, and how much of it."""

import pytest

from penstock.core.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    ResourceExhaustedError,
)
from penstock.serving.call import REST, RETRY_AFTER_S, Call, Identity, ModelSpec
from penstock.serving.middleware.quota import Limit, QuotaCheck, Quotas, read_quotas
from penstock.serving.middleware.roles import LocalAdminCheck, RoleCheck, read_policy
from penstock.serving.security import Security, SecurityConfig
from tests.serving.fakes import FakeClock

POLICY = """
[roles.reader]
actions = ["predict", "metadata"]
models = ["digits", "fraud-*"]

[roles.operator]
actions = ["*"]

[clients]
"spiffe://prod/web" = ["reader"]

[quota]
requests_per_s = 2
[quota.clients.nightly]
requests_per_s = 1
burst = 3
bytes_per_s = 1000
"""


def call(*, api="Predict", model="digits", client="c", roles=(), peer="", size=0):
    identity = None if client is None else Identity(client, frozenset(roles))
    return Call(REST, api, ModelSpec(model), peer=peer, body_bytes=size, identity=identity)


@pytest.fixture
def file(tmp_path):
    def write(text=POLICY):
        path = tmp_path / "policy.toml"
        path.write_text(text)
        return path

    return write


def allows(check, **about):
    try:
        check.admit(call(**about))
    except PermissionDeniedError:
        return False
    return True


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({"roles": ["reader"]}, True),
        ({"roles": ["reader"], "api": "MultiInference"}, True),
        ({"roles": ["reader"], "api": "GetModelMetadata"}, True),
        ({"roles": ["reader"], "model": "fraud-eu"}, True),
        ({"roles": ["reader"], "model": "secret"}, False),
        ({"roles": ["reader"], "model": "digits2"}, False),
        ({"roles": ["reader"], "api": "Metrics", "model": ""}, False),
        ({"roles": ["reader"], "api": "HandleReloadConfigRequest"}, False),
        ({"roles": ["reader"], "api": "SomethingNew"}, False),
        ({"roles": ["operator"], "api": "SomethingNew", "model": "x"}, True),
        ({"roles": ["operator"], "api": "HandleReloadConfigRequest", "model": ""}, True),
        ({"roles": ["nobody"]}, False),
        ({"roles": []}, False),
        ({"client": "spiffe://prod/web"}, True),
        ({"client": "spiffe://prod/web", "model": "secret"}, False),
        ({"roles": ["nobody", "reader"]}, True),
    ],
)
def test_roles_open_models_and_actions(file, about, expected):
    check = RoleCheck(read_policy(file()))

    assert allows(check, **about) is expected
    assert allows(check, **about) is expected  # the second answer is remembered


def test_the_answer_says_what_is_missing(file):
    with pytest.raises(
        PermissionDeniedError,
        match="client 'c' must have a role that allows 'predict' of model 'secret'",
    ):
        RoleCheck(read_policy(file())).admit(call(model="secret", roles=["reader"]))


def test_without_a_policy_clients_ask_and_admins_administer():
    check = RoleCheck()

    assert allows(check)
    assert allows(check, api="Metrics")
    assert not allows(check, api="HandleReloadConfigRequest")
    assert allows(check, api="HandleReloadConfigRequest", roles=["admin"])


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("127.0.0.1", True), ("::1", True), ("", True), ("10.0.0.7", False), ("12.7.0.1", False)],
)
def test_a_server_that_knows_no_clients_is_administered_from_its_machine(peer, expected):
    check = LocalAdminCheck()

    assert allows(check, api="HandleReloadConfigRequest", client=None, peer=peer) is expected
    assert allows(check, client=None, peer=peer)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[roles.r]\nactions = ['fly']", "must be among predict, metadata, metrics, admin"),
        ("[roles.r]\nmodels = ['m']", "'actions' of role 'r' .* must be a list of names"),
        ("[roles.r]\nactions = []\ncolour = 1", "actions and models only"),
        ("[clients]\nc = ['r']", r"roles that are there, got \['r'\]"),
        ("[role]", "roles, clients and quota only"),
        ("roles = 3", "must be a table"),
    ],
)
def test_mistakes_in_the_policy_are_named(file, text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        read_policy(file(text))


# -- quotas --------------------------------------------------------------------------------


def passes(check, **about):
    try:
        check.admit(call(**about))
    except ResourceExhaustedError:
        return False
    return True


def test_a_client_gets_its_burst_and_then_its_rate():
    clock = FakeClock()
    check = QuotaCheck(Quotas(Limit(10, burst=3)), clock)

    assert [passes(check) for _ in range(5)] == [True] * 3 + [False] * 2
    clock.now += 0.1
    assert [passes(check) for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [passes(check) for _ in range(5)] == [True] * 3 + [False] * 2


def test_clients_do_not_take_from_each_other():
    check = QuotaCheck(Quotas(Limit(1), {"b": Limit(2), "free": Limit()}), FakeClock())

    assert [passes(check, client="a") for _ in range(2)] == [True, False]
    assert [passes(check, client="b") for _ in range(3)] == [True, True, False]
    assert all(passes(check, client="free") for _ in range(100))


def test_clients_without_a_name_are_told_apart_by_address():
    check = QuotaCheck(Quotas(Limit(1)), FakeClock())

    assert passes(check, client=None, peer="10.0.0.1")
    assert passes(check, client=None, peer="10.0.0.2")
    assert not passes(check, client=None, peer="10.0.0.1")


def test_the_refusal_says_when_to_come_again():
    check = QuotaCheck(Quotas(Limit(0.5)), FakeClock())
    check.admit(call())

    with pytest.raises(ResourceExhaustedError, match=r"try again in 2 s") as refused:
        check.admit(call())
    assert refused.value.experimental_payloads[RETRY_AFTER_S] == pytest.approx(2)


def test_bytes_count_as_well():
    clock = FakeClock()
    check = QuotaCheck(Quotas(Limit(bytes_per_s=100)), clock)

    assert passes(check, size=1500)
    assert not passes(check, size=1)
    clock.now += 5.1
    assert passes(check, size=1)


def test_the_buckets_of_invented_addresses_are_bounded():
    check = QuotaCheck(Quotas(Limit(1)), FakeClock())

    for i in range(11_000):
        check.admit(call(client=None, peer=str(i)))

    assert len(check._buckets) == 10_000


def test_quotas_are_read_from_the_policy(file):
    assert read_quotas(file()) == Quotas(Limit(2), {"nightly": Limit(1, 3, 1000)})
    with pytest.raises(InvalidArgumentError, match="must be a number"):
        read_quotas(file("[quota]\nburst = 'x'"))
    with pytest.raises(InvalidArgumentError, match="more than 0"):
        read_quotas(file("[quota]\nrequests_per_s = 0"))


def test_a_policy_that_changes_is_followed(file, caplog):
    keys = file("").with_name("keys.toml")
    keys.write_text("")
    security = Security(SecurityConfig(api_keys_file=keys, policy_file=file()))
    roles = next(each for each in security.middleware if isinstance(each, RoleCheck))
    assert allows(roles, roles=["reader"])

    file("[roles.reader]\nactions = ['metadata']\n# changed")
    security.follow()
    assert not allows(roles, roles=["reader"])

    file("[roles")
    security.follow()
    assert "must be TOML" in caplog.text
    assert allows(roles, roles=["reader"], api="GetModelStatus")
