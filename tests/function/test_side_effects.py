"""What happens only while a function is traced is told, once for each line."""

import warnings

import pytest

import penstock as tf

MESSAGE = "happens only while {} is traced"


def messages(function, *calls):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for call in calls:
            function(call)
    return [str(item.message) for item in caught if "is traced" in str(item.message)]


def test_an_append_to_a_captured_list_is_told_once_with_its_line():
    log = []

    @tf.function
    def f(x):
        log.append(1)
        return x

    found = messages(f, tf.constant(1), tf.constant(1.0), tf.constant([1]))

    assert len(found) == 1
    assert f"list.append on a captured list at {__file__}:" in found[0]
    assert MESSAGE.format("f") in found[0]


def test_an_append_to_an_own_list_is_not_told():
    @tf.function
    def f(x):
        parts = []
        parts.append(x)
        return parts[0]

    assert messages(f, tf.constant(1)) == []


def test_a_change_of_an_attribute_of_an_argument_is_told():
    class Counter:
        def __init__(self):
            self.seen = {}

        @tf.function
        def f(self, x):
            self.seen.update(a=1)
            return x

    counter = Counter()
    found = messages(counter.f, tf.constant(1))

    assert "dict.update on a captured dict" in found[0]
    assert counter.seen == {"a": 1}


def test_print_is_told_and_still_prints(capsys):
    @tf.function
    def f(x):
        print("tracing", x.dtype.name)
        return x

    found = messages(f, tf.constant(1), tf.constant(2))

    assert len(found) == 1
    assert "use tf.print" in found[0]
    assert capsys.readouterr().out == "tracing int32\n"


def test_nothing_is_told_outside_of_functions():
    log = []

    def note(x):
        log.append(x)

    assert messages(tf.autograph.to_graph(note), 1) == []
    assert log == [1]


def test_code_without_a_source_tells_the_reason_and_two_ways_out():
    names = {}
    exec("def without_source(x):\n    return x + 1", names)  # noqa: S102

    with pytest.warns(UserWarning, match="comes from <string>.*Two ways out.*tf.cond"):
        tf.function(names["without_source"])(tf.constant(1))
