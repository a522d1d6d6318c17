import asyncio
import json
import re
from html.parser import HTMLParser

import pytest

from penstock.core.errors import PermissionDeniedError
from penstock.serving.docs_page import make_page
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.manager import Manager
from penstock.serving.openapi_api import OpenApi
from penstock.serving.protocols.openapi import ServedModel, make_document
from penstock.serving.rest_api import other_paths
from penstock.serving.router import Request, Router
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import FakeLoader, FakeSource, doubler, tensor
from tests.serving.golden import GOLDEN, signatures

MODELS = [
    ServedModel(name, 1, signatures(name), {"stable": 1}) for name in GOLDEN["signatures"]
]
DOCUMENT = make_document(MODELS, "1.2.3")


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else ())
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_the_document_is_plain_json_whose_references_lead_somewhere():
    document = json.loads(json.dumps(DOCUMENT, allow_nan=False))

    assert document["openapi"].startswith("3.1.")
    assert {ref.rpartition("/")[2] for ref in references(document)} <= set(
        document["components"]["schemas"]
    )


def test_every_model_has_its_paths():
    assert {f"/v1/models/{model.name}" for model in MODELS} <= DOCUMENT["paths"].keys()
    assert "/v1/models/parse_example_classify_regress:classify" in DOCUMENT["paths"]
    assert "/v1/models/keras_mlp:classify" not in DOCUMENT["paths"]
    assert "/v2/models/keras_mlp/infer" in DOCUMENT["paths"]


def test_a_tensor_becomes_nested_lists_of_its_sizes():
    signature = SignatureSpec(
        {"x": tensor("int8", None, 3)}, {"y": tensor("string", None), "z": tensor("bool", None)}
    )
    document = make_document([ServedModel("m", 1, {"serving_default": signature}, {})], "1")
    post = document["paths"]["/v1/models/m:predict"]["post"]
    rows, columns = post["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    row = {
        "type": "array",
        "items": {"type": "integer", "minimum": -128, "maximum": 127},
        "minItems": 3,
        "maxItems": 3,
    }

    assert rows["properties"]["instances"]["items"]["anyOf"][0] == row
    assert columns["properties"]["inputs"]["anyOf"][0] == {"type": "array", "items": row}
    assert rows["required"] == ["instances"]


class Links(HTMLParser):
    """Collects what a page would load."""

    def __init__(self):
        super().__init__()
        self.tags = []
        self.loaded = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for key, value in attrs if key in ("src", "srcset", "data")]
        if tag in ("link", "script", "iframe", "img", "object"):
            self.loaded.append(tag)


def test_the_page_loads_nothing_and_escapes_names():
    evil = "<script>alert(1)</script>"
    models = [ServedModel(evil, 1, {evil: signatures("keras_mlp")["serving_default"]}, {})]

    page = make_page(make_document(models, "1"), models, "http://h").decode()
    links = Links()
    links.feed(page)

    assert links.loaded == []
    assert "script" not in links.tags
    assert "url(" not in page
    assert re.findall(r'href="(?!#)([^"]*)"', page) == [
        "openapi.json",
        "monitoring/prometheus/metrics",
    ]


class Refusing:
    """Lets nobody see one of the models."""

    def admit(self, call):
        if call.spec.name == "secret":
            raise PermissionDeniedError("not for you")


@pytest.fixture
def ask():
    executor = Executor()
    manager = Manager(
        [FakeSource("open", 1), FakeSource("secret", 1)],
        FakeLoader(doubler),
        lambda servable: Engine(servable, executor),
    )
    manager.start()
    protocols = OpenApi(Gateway(manager, [Refusing()])).protocols()
    router = Router(protocols, other_paths())
    with asyncio.Runner() as runner:
        yield lambda *args: runner.run(router.handle(Request(*args)))
    manager.stop()
    executor.close()


def test_a_client_sees_the_models_that_it_may_ask(ask):
    document = json.loads(ask("GET", "/openapi.json").body)

    assert "/v1/models/open:predict" in document["paths"]
    assert "secret" not in json.dumps(document)


def test_the_page_is_served_with_a_policy_that_forbids_loading(ask):
    response = ask("GET", "/docs")

    assert response.status == 200
    assert response.content_type.startswith("text/html")
    assert "default-src 'none'" in dict(response.headers)["Content-Security-Policy"]
    assert b"open" in response.body
    assert b"secret" not in response.body


@pytest.mark.parametrize("path", ["/docs/x", "/openapi.jsonx"])
def test_other_paths_are_not_found(ask, path):
    assert ask("GET", path).status == 404
