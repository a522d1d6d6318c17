"""Compares what a program gave on the two sides."""

from __future__ import annotations

# Programs that TensorFlow refuses and that run here: they must give what Python gives.
BEYOND = frozenset(
    {
        "autograph.assert_that_holds",
        "autograph.bubble_sort",
        "autograph.enumerate_a_tensor",
        "autograph.max_min_and_sum_of_tensors",
        "autograph.matrix_walk_with_complex_exit",
        "autograph.multiple_targets_in_for",
        "autograph.return_inside_nested_loops",
        "autograph.unrolled_loop_with_tensor_break",
        "autograph.while_true_with_break",
        "dynamic.while_with_data_dependent_trip_count",
        "refusals.return_none_everywhere",
        "loops.tensor_array_as_argument_and_result",
    }
)


def difference(expected, got, path="result"):
    """Where two results differ, as a text; None where they do not."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.keys() != got.keys():
            return f"{path}: expected {sorted(expected)}, got {sorted(got)}"
        pairs = [(key, expected[key], got[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{path}: expected {len(expected)} items, got {len(got)}"
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(expected, got, strict=True))]
    elif type(expected) is float and type(got) is float:
        close = abs(expected - got) <= 1e-5 * max(1.0, abs(expected))
        return None if close else f"{path}: expected {expected}, got {got}"
    else:
        same = type(expected) is type(got) and expected == got
        return None if same else f"{path}: expected {expected!r}, got {got!r}"
    for key, a, b in pairs:
        found = difference(a, b, f"{path}[{key!r}]")
        if found is not None:
            return found
    return None


def differs(name, expected, got):
    """Why what a program gave here is not what it gave in TensorFlow; None where it is."""
    if "error" in expected:
        if name in BEYOND:
            return None if "result" in got else f"refused: {got['text']}"
        if "error" not in got:
            return f"expected {expected['error']}, got a result"
        same = expected["error"] == got["error"]
        return (
            None if same else f"expected {expected['error']}, got {got['error']}: {got['text']}"
        )
    if "error" in got:
        return f"expected a result, got {got['error']}: {got['text']}"
    return difference(expected["result"], got["result"])
