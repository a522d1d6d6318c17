"""Lambdas are converted wherever they stand: several on a line, over lines, in decorators."""

import pytest

import penstock as tf
from penstock.function.autograph.lambdas import find_lambda

# fmt: off
ON_ONE_LINE = [
    lambda x: x if x > 1 else -x, lambda x: x * 2 if x > 1 else x, lambda x, k=3: k + x * 0,
]
OVER_LINES = [
    lambda x: tf.identity(
        x + 5 if x > 0 else -x
    ), lambda x: (
        x * 7
        if x > 0 else x),
]
NESTED = lambda x: (lambda y: y + 1 if y > 3 else y)(x * 2 if x > 1 else x)  # noqa: E731, PLC3002
# fmt: on


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        *zip(ON_ONE_LINE, [4, 8, 3], strict=True),
        *zip(OVER_LINES, [9, 28], strict=True),
        (NESTED, 9),
    ],
)
def test_a_lambda_is_found_by_its_columns(function, expected):
    @tf.function
    def f(x):
        return function(x)

    assert int(f(tf.constant(4))) == expected


@pytest.mark.parametrize(
    ("function", "expected"),
    [(lambda x: x - 1 if x > 0 else x, 3), (lambda x: x * x if x > 0 else x, 16)],
)
def test_a_lambda_in_a_decorator_is_converted(function, expected):
    assert int(tf.function(function)(tf.constant(4))) == expected


def test_the_text_of_a_lambda_is_its_own():
    texts = [find_lambda(function.__code__)[1] for function in ON_ONE_LINE]

    assert texts == [
        "lambda x: x if x > 1 else -x",
        "lambda x: x * 2 if x > 1 else x",
        "lambda x, k=3: k + x * 0",
    ]


def test_a_lambda_without_a_file_is_not_found():
    made = eval("lambda x: x + 1")  # noqa: S307

    assert find_lambda(made.__code__) is None
