"""Who is let in. Source: RFC 6750 (bearer tokens), RFC 7519 (JWT), RFC 8725."""

import base64
import datetime as dt
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from penstock.core.errors import InvalidArgumentError, NotFoundError, UnauthenticatedError
from penstock.serving.call import REST, Call, Identity, ModelSpec
from penstock.serving.middleware.api_keys import ApiKeys, new_key
from penstock.serving.middleware.identity import IdentityCheck, identity_of
from penstock.serving.middleware.tokens import TokenConfig, Tokens
from tests.serving.fakes import FakeClock

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
SECONDS = NOW.timestamp()
CERTIFICATE = {
    "subject": ((("organizationalUnitName", "reader"),), (("commonName", "web"),)),
    "subjectAltName": (("DNS", "web.example"),),
}


def call(*headers, certificate=None):
    return Call(REST, "Predict", ModelSpec("m"), headers=headers, certificate=certificate)


def admit(check, *headers, **options):
    made = call(*headers, **options)
    check.admit(made)
    return made.identity


@pytest.fixture
def keys(tmp_path):
    key, lines = new_key("web", ("reader", "writer"))
    path = tmp_path / "keys.toml"
    path.write_text(lines)
    return key.encode(), ApiKeys(path, lambda: NOW)


def test_a_key_tells_its_client_and_roles(keys):
    key, known = keys
    expected = Identity("web", frozenset({"reader", "writer"}))

    assert admit(IdentityCheck(known), (b"x-api-key", key)) == expected
    assert admit(IdentityCheck(known), (b"authorization", b"Bearer " + key)) == expected
    assert admit(IdentityCheck(known), (b"authorization", b"bearer  " + key)) == expected


def test_the_secret_of_a_key_is_not_in_the_file(keys):
    key, known = keys

    secret = key.split(b"_", 2)[2]
    assert len(secret) >= 43  # 256 bits in base64
    assert secret not in known.path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda k: k[:-1],
        lambda k: k + b"x",
        lambda k: b"psk_none_x",
        lambda k: b"psk_",
        lambda k: b"",
    ],
)
def test_other_keys_are_not_known(keys, change):
    key, known = keys

    with pytest.raises(UnauthenticatedError, match="the API key is not known"):
        admit(IdentityCheck(known), (b"x-api-key", change(key)))


def test_a_key_ends_on_its_day(keys):
    key, known = keys
    known.path.write_text(known.path.read_text() + "expires = 2030-01-01\n")
    known.reload()

    with pytest.raises(UnauthenticatedError, match="not valid any more"):
        known.identify(key)


def test_a_key_taken_out_of_the_file_is_not_known_any_more(keys):
    key, known = keys
    known.path.write_text("")
    known.reload()

    with pytest.raises(UnauthenticatedError):
        known.identify(key)


def test_a_file_that_makes_no_sense_changes_nothing(keys):
    key, known = keys
    known.path.write_text("[[keys")

    with pytest.raises(InvalidArgumentError, match="must be TOML"):
        known.reload()
    assert known.identify(key).name == "web"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[keys]]\nid = 'a'\nclient = 'c'\nsha256 = 'zz'", "64 hexadecimal digits"),
        ("[[keys]]\nid = 'a_b'\nclient = 'c'", "an id without '_'"),
        ("[[keys]]\nid = 'a'", "must name its client"),
        ("[[keys]]\nid = 'a'\nkey = 'secret'", r"must not have \['key'\]"),
        ("[keyz]", r"must have \[\[keys\]\] only"),
    ],
)
def test_mistakes_in_the_file_are_named(tmp_path, text, message):
    path = tmp_path / "keys.toml"
    path.write_text(text)

    with pytest.raises(InvalidArgumentError, match=message):
        ApiKeys(path)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ((), "must have a credential; send 'authorization: Bearer"),
        (((b"authorization", b"Basic d2Vi"),), "must be of the kind Bearer"),
        (((b"x-api-key", b"a"), (b"x-api-key", b"b")), "one credential"),
        (((b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")), "one credential"),
        (((b"authorization", b"Bearer a"), (b"x-api-key", b"b")), "one credential"),
        (((b"authorization", b"Bearer a.b.c"),), "takes no tokens"),
    ],
)
def test_calls_without_one_good_credential_are_refused(keys, headers, message):
    with pytest.raises(UnauthenticatedError, match=message):
        admit(IdentityCheck(keys[1]), *headers)


def test_anonymous_calls_are_let_in_only_when_that_is_wanted(keys):
    check = IdentityCheck(keys[1], with_anonymous=True)

    assert admit(check).name == "anonymous"
    # A wrong credential is not the same as none.
    with pytest.raises(UnauthenticatedError):
        admit(check, (b"x-api-key", b"psk_x_y"))


def test_a_certificate_tells_its_client():
    check = IdentityCheck(with_certificates=True)

    assert admit(check, certificate=CERTIFICATE) == Identity("web", frozenset({"reader"}))
    with pytest.raises(UnauthenticatedError):
        admit(check)
    with pytest.raises(UnauthenticatedError):
        admit(IdentityCheck(), certificate=CERTIFICATE)


def test_a_certificate_of_a_workload_has_its_name_in_the_address():
    spiffe = {"subject": (), "subjectAltName": (("URI", "spiffe://prod/web"),)}

    assert identity_of(spiffe).name == "spiffe://prod/web"
    with pytest.raises(UnauthenticatedError, match="names no client"):
        identity_of({"subject": ()})


# -- tokens --------------------------------------------------------------------------------


class Provider:
    """An identity provider with some keys."""

    def __init__(self):
        self.keys = {
            "r": rsa.generate_private_key(65537, 2048),
            "e": ec.generate_private_key(ec.SECP256R1()),
        }
        self.published = ["r", "e"]
        self.fetched = 0
        self.error = None

    def fetch(self, address):
        self.fetched += 1
        if self.error is not None:
            raise self.error
        if address == "https://idp.example/.well-known/openid-configuration":
            issuer = {"issuer": "https://idp.example", "jwks_uri": "https://idp.example/keys"}
            return json.dumps(issuer).encode()
        assert address == "https://idp.example/keys"
        return json.dumps({"keys": [self.jwk(name) for name in self.published]}).encode()

    def jwk(self, name):
        algorithm = jwt.get_algorithm_by_name("RS256" if name == "r" else "ES256")
        return {**algorithm.to_jwk(self.keys[name].public_key(), as_dict=True), "kid": name}

    def sign(self, claims, name="r", algorithm="RS256", **headers):
        text = jwt.encode(claims, self.keys[name], algorithm, headers={"kid": name, **headers})
        return text.encode()


@pytest.fixture(scope="module")
def provider():
    return Provider()


def claims(**changes):
    good = {
        "iss": "https://idp.example",
        "aud": "penstock",
        "sub": "web",
        "exp": 4_000_000_000,
        "roles": ["reader"],
        "realm_access": {"roles": ["writer"]},
    }
    return {k: v for k, v in {**good, **changes}.items() if v is not None}


def tokens(provider, clock=None, **options):
    config = TokenConfig(issuer="https://idp.example", audience="penstock", **options)
    return Tokens(config, provider.fetch, clock or FakeClock())


@pytest.mark.parametrize(
    ("name", "algorithm"), [("r", "RS256"), ("r", "PS512"), ("e", "ES256")]
)
def test_a_token_tells_its_client_and_roles(provider, name, algorithm):
    known = tokens(provider)

    found = known.identify(provider.sign(claims(), name, algorithm))

    assert (found.name, found.roles) == ("web", {"reader"})
    assert found.claims["aud"] == "penstock"


def test_claims_can_be_elsewhere(provider):
    known = tokens(provider, roles_claim="realm_access.roles", client_claim="azp")

    found = known.identify(provider.sign(claims(azp="spa")))

    assert (found.name, found.roles) == ("spa", {"writer"})


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_000_000_000},
        {"exp": None},
        {"aud": "other"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"nbf": 4_000_000_000},
        {"sub": None},
        {"sub": ["web"]},
    ],
)
def test_tokens_that_do_not_fit_are_refused(provider, changes):
    with pytest.raises(UnauthenticatedError):
        tokens(provider).identify(provider.sign(claims(**changes)))


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def test_tokens_without_a_signature_are_refused(provider):
    for algorithm in ("none", "None", "NONE"):
        token = b".".join([part({"alg": algorithm, "kid": "r"}), part(claims()), b""])
        with pytest.raises(UnauthenticatedError):
            tokens(provider).identify(token)


def test_the_public_key_is_no_shared_secret(provider):
    # The oldest trick: HMAC with the text of the public key.
    public = provider.keys["r"].public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = part({"alg": "HS256", "kid": "r"}) + b"." + part(claims())
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    mac = base64.urlsafe_b64encode(algorithm.sign(body, pem)).rstrip(b"=")

    with pytest.raises(UnauthenticatedError):
        tokens(provider).identify(body + b"." + mac)


@pytest.mark.parametrize(
    "token", [b"", b"a", b"a.b.c", b"....", b"\xff\xfe", b"x" * 100_000, b"e30.e30.e30"]
)
def test_what_is_no_token_is_refused(provider, token):
    with pytest.raises(UnauthenticatedError):
        tokens(provider).identify(token)


def test_a_token_of_another_signer_is_refused(provider):
    with pytest.raises(UnauthenticatedError):
        tokens(provider).identify(Provider().sign(claims()))


def test_a_token_is_checked_once_and_ends_in_time(provider):
    now = FakeClock(SECONDS)
    config = TokenConfig(issuer="https://idp.example", audience="penstock", leeway_s=0)
    known = Tokens(config, provider.fetch, FakeClock(), now)
    token = provider.sign(claims(exp=int(SECONDS) + 60))
    assert known.identify(token).name == "web"
    known._claims = lambda _: (_ for _ in ()).throw(UnauthenticatedError("asked again"))

    assert known.identify(token).name == "web"
    now.now += 61
    with pytest.raises(UnauthenticatedError, match="asked again"):
        known.identify(token)


def test_a_new_key_is_fetched_in_the_background_and_not_too_often(provider):
    clock = FakeClock()
    provider.published = ["e"]
    known = tokens(provider, clock)
    provider.published = ["r", "e"]
    before = provider.fetched
    token = provider.sign(claims())

    for _ in range(5):
        with pytest.raises(UnauthenticatedError, match="not known"):
            known.identify(token)
    assert provider.fetched == before
    clock.now += 31
    with pytest.raises(UnauthenticatedError, match="not known"):
        known.identify(token)
    with known._fetching:
        pass

    assert known.identify(token).name == "web"
    assert provider.fetched == before + 2


def test_a_provider_that_is_away_does_not_keep_the_server_from_starting(provider, caplog):
    clock = FakeClock()

    def away(_):
        from penstock.core.errors import UnavailableError

        raise UnavailableError("'https://idp.example' does not answer")

    config = TokenConfig(issuer="https://idp.example", audience="penstock")
    known = Tokens(config, away, clock)

    assert "tokens are refused until it answers" in caplog.text
    with pytest.raises(UnauthenticatedError):
        known.identify(provider.sign(claims()))


def test_keys_come_from_a_file_too(provider, tmp_path):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [provider.jwk("e"), {"kty": "oct", "k": "c2VjcmV0"}]}))
    known = Tokens(TokenConfig(jwks=str(path), audience="penstock"))

    assert known.identify(provider.sign(claims(), "e", "ES256")).name == "web"


@pytest.mark.parametrize(
    "address", ["http://idp.example/keys", "file:///etc/passwd", "ftp://idp.example/keys"]
)
def test_keys_come_by_https_only(address):
    with pytest.raises(InvalidArgumentError, match="must come by https"):
        Tokens(TokenConfig(jwks=address, audience="penstock"))


def test_a_missing_file_of_keys_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"keys\.json' cannot be read"):
        Tokens(TokenConfig(jwks=str(tmp_path / "keys.json"), audience="penstock"))


def test_tokens_need_an_audience():
    with pytest.raises(InvalidArgumentError, match="--jwt_audience"):
        TokenConfig(jwks="keys.json")
