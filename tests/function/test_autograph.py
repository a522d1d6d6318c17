"""Python control flow over tensors; the expected values come from running it as it is."""

import functools
import sys
import types

import numpy as np
import pytest

import penstock as tf


def absolute(x):
    if x > 0:
        return x
    return -x


def sign(x):
    if x > 0:
        y = 1
    elif x < 0:
        y = -1
    else:
        y = 0
    return y


def sum_of_odd(n):
    total, i = 0, 0
    while i < n:
        i += 1
        if i % 2 == 0:
            continue
        total += i
        if total > 30:
            break
    return total


def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:  # noqa: SIM108
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def first_square_above(n):
    for i in range(1000):
        if i * i > n:
            return i
    return -1


def nested(n):
    total = 0
    for i in range(n):
        for j in range(i):
            if j % 3 == 1:
                break
            total += i * j + 1
    return total


def logic(x):
    if (x > 0 and x % 2 == 0) or not x > -10:
        return 1
    return 0


def helper(x):
    return x * 2 if x > 3 else x - 1


def calls_others(x):
    return helper(x) + functools.partial(helper)(x) + (lambda y: y + 1)(x)  # noqa: PLC3002


def gcd(a):
    b = 36
    while b != 0:
        a, b = b, a % b
    return a


def factorial(n):
    result = 1
    while n > 1:
        result *= n
        n -= 1
    return result


PROGRAMS = [
    (absolute, [3, -4]),
    (sign, [5, -2, 0]),
    (sum_of_odd, [0, 5, 100]),
    (collatz, [1, 6, 27]),
    (first_square_above, [0, 17]),
    (nested, [0, 6]),
    (logic, [4, 3, -20]),
    (calls_others, [1, 9]),
    (gcd, [48, 7]),
    (factorial, [1, 6]),
]


@pytest.mark.parametrize(
    ("program", "value"),
    [(program, value) for program, values in PROGRAMS for value in values],
    ids=lambda item: getattr(item, "__name__", str(item)),
)
def test_a_program_gives_what_python_gives(program, value):
    converted = tf.function(program)

    assert int(converted(tf.constant(value))) == program(value)


def test_one_trace_serves_both_branches():
    f = tf.function(absolute)

    f(tf.constant(1))
    f(tf.constant(-1))

    assert f.experimental_get_tracing_count() == 1


def test_a_loop_over_a_tensor_sees_its_rows():
    @tf.function
    def f(x):
        total = tf.constant(0.0)
        for row in x:
            total = total * 2.0 + row[0]
        return total

    assert float(f(tf.constant([[1.0], [2.0], [3.0]]))) == 11.0


def test_a_loop_over_python_values_is_unrolled():
    @tf.function
    def f(x):
        for factor in [1.0, 2.0, 3.0]:
            x = x * factor
        return x

    assert float(f(tf.constant(1.0))) == 6.0


def test_a_tensor_array_is_written_in_a_python_loop():
    @tf.function
    def squares(n):
        out = tf.TensorArray(tf.int32, size=n)
        for i in range(n):
            out = out.write(i, i * i)
        return out.stack()

    np.testing.assert_array_equal(squares(tf.constant(5)), [0, 1, 4, 9, 16])


def test_gradients_flow_through_converted_control_flow():
    @tf.function
    def f(x):
        y = x
        for _ in range(3):
            if y > 4.0:  # noqa: SIM108
                y = y * 2.0
            else:
                y = y * y
        return y

    x = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)

    assert float(y) == 32.0
    assert float(tape.gradient(y, x)) == 64.0


def test_a_variable_missing_in_one_branch_is_named():
    @tf.function
    def f(x):
        if x > 0:
            y = 1
        return y

    with pytest.raises(ValueError, match="'y' must also be initialized in the else branch"):
        f(tf.constant(1))


def test_an_assertion_on_a_tensor_holds_when_the_graph_runs():
    @tf.function
    def f(x):
        assert x > 0, "x must be positive"
        return x

    assert int(f(tf.constant(1))) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="x must be positive"):
        f(tf.constant(-1))


def test_without_autograph_a_tensor_has_no_truth():
    with pytest.raises(tf.errors.OperatorNotAllowedInGraphError):
        tf.function(absolute, autograph=False)(tf.constant(1))


def test_a_method_and_its_helpers_are_converted():
    class Model:
        def clip(self, x):
            if x > 1.0:
                return x * 0.0 + 1.0
            return x

        @tf.function
        def __call__(self, x):
            return self.clip(x)

    assert float(Model()(tf.constant(5.0))) == 1.0
    assert float(Model()(tf.constant(0.5))) == 0.5


def test_code_without_source_runs_as_it_is_with_a_warning():
    names = {}
    exec("def f(x):\n    return x + 1", names)  # noqa: S102

    with pytest.warns(UserWarning, match="AutoGraph could not convert f"):
        assert int(tf.function(names["f"])(tf.constant(1))) == 2


def test_a_lambda_that_belongs_to_no_module_runs_as_it_is_with_a_warning():
    double = eval("lambda x: x * 2", {"__name__": None})  # noqa: S307

    with pytest.warns(UserWarning, match="its source cannot be read.*Two ways out"):
        assert int(tf.function(double)(tf.constant(2))) == 4


def test_a_decorated_function_of_keras_is_converted(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras.some_test", sys.modules[__name__])

    def total(dataset):
        found = tf.constant(0, tf.int64)
        for number in dataset:
            found += number
        return found

    # As if it stood in a module of the package.
    moved = types.FunctionType(
        total.__code__, {"__name__": "keras.some_test", "tf": tf}, "total", None, None
    )

    assert int(tf.function(moved)(tf.data.Dataset.range(5))) == 10
