"""Traces of library functions that are used again."""

import importlib.util
import sys
import types

import pytest

import penstock as tf
from penstock.data.trace_cache import _attributes_read, remembered
from tests.data.contents import Dataset, contents


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Gives the function `make` of an installed library with some source."""

    def load(source):
        path = tmp_path / "site-packages" / "library.py"
        path.parent.mkdir()
        path.write_text(f"import penstock as tf\n{source}")
        spec = importlib.util.spec_from_file_location("library", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "library", module)
        spec.loader.exec_module(module)
        return module.make

    return load


MAKE = """
def make(number, owner):
    def function(x):
        return x + number + owner.offset
    return function
"""


def _traces(function, context="context"):
    made = []
    remembered(function, context, lambda: made.append(True) or object())
    return len(made)


def test_equal_closures_share_a_trace(library):
    make = library(MAKE)

    assert _traces(make(1, types.SimpleNamespace(offset=2))) == 1
    assert _traces(make(1, types.SimpleNamespace(offset=2))) == 0


def test_other_values_attributes_and_contexts_do_not(library):
    make = library(MAKE)
    owner = types.SimpleNamespace(offset=2)

    assert _traces(make(1, owner)) == 1
    assert _traces(make(2, owner)) == 1
    owner.offset = 3
    assert _traces(make(1, owner)) == 1
    assert _traces(make(1, owner), "other") == 1
    assert _traces(make(1.0, owner)) == 1


def test_what_may_change_is_traced_anew(library):
    make = library(MAKE)

    for offset in ([1], tf.constant(1)):
        function = make(1, types.SimpleNamespace(offset=offset))
        assert _traces(function) == 1
        assert _traces(function) == 1


def test_functions_of_users_are_traced_whenever_they_are_passed():
    def function(x):
        return x

    assert _traces(function) == 1
    assert _traces(function) == 1


def test_the_global_seed_belongs_to_the_key(library):
    function = library(MAKE)(1, types.SimpleNamespace(offset=2))
    assert _traces(function) == 1

    tf.random.set_seed(5)

    assert _traces(function) == 1
    tf.random.set_seed(None)
    assert _traces(function) == 0


def _reads(body):
    outer = compile(f"def outer(owner):\n def inner(x):\n  {body}\n return inner", "f", "exec")
    namespace = {}
    exec(outer, namespace)  # noqa: S102
    return _attributes_read(namespace["outer"](None).__code__, "owner")


def test_only_plain_reads_of_attributes_are_understood():
    assert _reads("return owner.a + owner.b + owner.a") == ("a", "b")
    assert _reads("return owner.a.b") == ("a",)
    assert _reads("return x + owner") is None
    assert _reads("return owner.method(x)") is None
    assert _reads("owner.a = x") is None
    assert _reads("return [owner.a for _ in x]") is None or _reads("return x, owner.a") == (
        "a",
    )
    assert _reads("return (lambda: owner.a)") is None


def test_a_shared_trace_gives_each_pipeline_its_own_elements(library):
    make = library("def make(n):\n def f(x):\n  return x * n\n return f")

    pipelines = [Dataset.range(3).map(make(n)) for n in (1, 2, 1)]

    assert [contents(each) for each in pipelines] == [[0, 1, 2], [0, 2, 4], [0, 1, 2]]


def test_random_ops_of_a_shared_trace_do_not_share_their_state(library):
    tf.random.set_seed(3)
    make = library("def make():\n def f(x):\n  return tf.random.uniform([])\n return f")
    first, second = Dataset.range(3).map(make()), Dataset.range(3).map(make())

    together = [(float(a), float(b)) for a, b in zip(first, second, strict=True)]

    assert all(a == b for a, b in together)
    assert len({a for a, _ in together}) == 3
    tf.random.set_seed(None)


def test_equal_code_of_two_modules_is_not_the_same():
    first, second = {"factor": 2}, {"factor": 3}
    for number, names in enumerate((first, second)):
        source = "def function(x):\n return x * factor"
        exec(compile(source, f"/site-packages/{number}.py", "exec"), names)  # noqa: S102

    assert first["function"].__code__ == second["function"].__code__
    assert _traces(first["function"]) == 1
    assert _traces(second["function"]) == 1
