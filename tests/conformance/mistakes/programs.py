"""25 mistakes that users make: a program each, and what the message must say.

The line at fault ends with `# here`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """A program that fails.

    `says` are words of the message; `error` the class that is raised, or one of its bases.
    """

    name: str
    error: str
    says: tuple[str, ...]
    program: str


MISTAKES = (
    Mistake(
        "embedding_id_out_of_range",
        "InvalidArgumentError",
        ("[0, 10)", "12", "embedding", "GatherV2"),
        """
import numpy as np
model = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Embedding(10, 8),
                          keras.layers.Flatten(), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.full((8, 4), 12), np.zeros((8, 1)), verbose=0)  # here
""",
    ),
    Mistake(
        "label_out_of_range",
        "InvalidArgumentError",
        ("[0, 3)", "7"),
        """
import numpy as np
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(np.zeros((8, 4)), np.full((8,), 7), verbose=0)  # here
""",
    ),
    Mistake(
        "stack_of_unlike_shapes",
        "InvalidArgumentError",
        ("[2]", "[3]"),
        """
rows = tf.stack([tf.ones((2,)), tf.ones((3,))])  # here
""",
    ),
    Mistake(
        "addition_of_unlike_shapes",
        "InvalidArgumentError",
        ("[2, 3]", "[2, 4]"),
        """
total = tf.ones((2, 3)) + tf.ones((2, 4))  # here
""",
    ),
    Mistake(
        "addition_of_unlike_dtypes",
        "InvalidArgumentError",
        ("float32", "int32", "tf.cast"),
        """
total = tf.ones((2, 3)) + tf.ones((2, 3), tf.int32)  # here
""",
    ),
    Mistake(
        "product_of_unlike_sizes",
        "InvalidArgumentError",
        ("(2, 3)", "(4, 5)"),
        """
product = tf.matmul(tf.ones((2, 3)), tf.ones((4, 5)))  # here
""",
    ),
    Mistake(
        "product_of_unlike_sizes_in_a_function",
        "ValueError",
        ("(2, 3)", "(4, 5)"),
        """
@tf.function
def product(x, y):
    doubled = x * 2.0
    return tf.matmul(doubled, y)  # here

product(tf.ones((2, 3)), tf.ones((4, 5)))
""",
    ),
    Mistake(
        "gather_out_of_range",
        "InvalidArgumentError",
        ("[0, 3)", "9"),
        """
rows = tf.gather(tf.ones((3, 2)), [0, 9])  # here
""",
    ),
    Mistake(
        "gather_out_of_range_in_a_function",
        "InvalidArgumentError",
        ("[0, 3)", "9", "GatherV2"),
        """
@tf.function
def rows(table, ids):
    doubled = table * 2.0
    return tf.gather(doubled, ids)  # here

rows(tf.ones((3, 2)), tf.constant([0, 9]))
""",
    ),
    Mistake(
        "division_of_integers_by_zero",
        "InvalidArgumentError",
        ("division by zero", "FloorDiv"),
        """
@tf.function
def share(total, parts):
    return total // parts  # here

share(tf.constant([4, 6]), tf.constant([2, 0]))
""",
    ),
    Mistake(
        "reshape_to_another_size",
        "InvalidArgumentError",
        ("6", "[2, 2]"),
        """
flat = tf.reshape(tf.ones((2, 3)), (2, 2))  # here
""",
    ),
    Mistake(
        "concat_of_unlike_shapes",
        "InvalidArgumentError",
        ("2", "3", "4"),
        """
joined = tf.concat([tf.ones((2, 3)), tf.ones((2, 4))], axis=0)  # here
""",
    ),
    Mistake(
        "tensor_as_condition_of_python",
        "OperatorNotAllowedInGraphError",
        ("bool",),
        """
@tf.function(autograph=False)
def clip(x):
    if x > 0:  # here
        return x
    return -x

clip(tf.constant(1.0))
""",
    ),
    Mistake(
        "variable_made_in_every_call",
        "ValueError",
        ("singleton", "first call"),
        """
@tf.function
def count(x):
    total = tf.Variable(0.0)  # here
    return total + x

count(tf.constant(1.0))
count(tf.constant([1.0, 2.0]))
""",
    ),
    Mistake(
        "name_missing_in_one_branch",
        "ValueError",
        ("'y'", "else"),
        """
@tf.function
def pick(x):
    if tf.reduce_sum(x) > 0:  # here
        y = x
    return y

pick(tf.ones((2, 3)))
""",
    ),
    Mistake(
        "loop_variable_of_another_shape",
        "ValueError",
        ("'x'", "(2,)", "(4,)", "set_loop_options"),
        """
@tf.function
def grow(x):
    while tf.reduce_sum(x) < 10.0:  # here
        x = tf.concat([x, x], axis=0)
    return x

grow(tf.ones((2,)))
""",
    ),
    Mistake(
        "loop_variable_of_another_dtype",
        "TypeError",
        ("'i'", "int32", "float32"),
        """
@tf.function
def halve(n):
    i = 0
    while i < n:  # here
        i = tf.cast(i, tf.float32) + 0.5
    return i

halve(tf.constant(3))
""",
    ),
    Mistake(
        "call_that_does_not_fit_the_signature",
        "TypeError",
        ("(3,)", "(2,)"),
        """
@tf.function(input_signature=[tf.TensorSpec((2,), tf.float32)])
def double(x):
    return x * 2.0

double(tf.ones((3,)))  # here
""",
    ),
    Mistake(
        "assertion_that_fails",
        "InvalidArgumentError",
        ("lengths must be positive", "-1"),
        """
@tf.function
def check(x):
    tf.debugging.assert_positive(x, message="lengths must be positive")  # here
    return x

check(tf.constant([3, -1]))
""",
    ),
    Mistake(
        "not_a_number",
        "InvalidArgumentError",
        ("loss", "NaN"),
        """
@tf.function
def watch(x):
    return tf.debugging.check_numerics(tf.math.log(x), "loss")  # here

watch(tf.constant([1.0, -1.0]))
""",
    ),
    Mistake(
        "gradient_of_what_was_not_watched",
        "ValueError",
        ("gradient",),
        """
import numpy as np
weight = tf.Variable(1.0)
optimizer = keras.optimizers.SGD()
with tf.GradientTape() as tape:
    loss = tf.constant(2.0) * 3.0
optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])  # here
""",
    ),
    Mistake(
        "tape_used_twice",
        "RuntimeError",
        ("persistent",),
        """
x = tf.Variable(1.0)
with tf.GradientTape() as tape:
    y = x * x
tape.gradient(y, x)
tape.gradient(y, x)  # here
""",
    ),
    Mistake(
        "variable_assigned_another_shape",
        "ValueError",
        ("(2,)", "(3,)"),
        """
weight = tf.Variable([1.0, 2.0])
weight.assign([1.0, 2.0, 3.0])  # here
""",
    ),
    Mistake(
        "dataset_of_unlike_rows",
        "InvalidArgumentError",
        ("batch", "[2]", "[3]"),
        """
rows = tf.data.Dataset.from_generator(
    lambda: iter([[1, 2], [1, 2, 3]]), output_signature=tf.TensorSpec((None,), tf.int32)
)
for row in rows.batch(2):  # here
    print(row)
""",
    ),
    Mistake(
        "text_that_is_no_number",
        "InvalidArgumentError",
        ("1,5",),
        """
@tf.function
def parse(words):
    return tf.strings.to_number(words)  # here

parse(tf.constant(["1.5", "1,5"]))
""",
    ),
)
