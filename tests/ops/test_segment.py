"""What reductions over segments refuse, and how they treat rows that belong nowhere."""

import numpy as np
import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.ops.table import lookup

X = np.float32([[1, 2], [3, 4], [5, 6]])


@pytest.mark.parametrize("ids", [[1, 0, 1], [-1, 0, 0], [0, 1]])
@pytest.mark.parametrize("name", ["SegmentSum", "SegmentMean", "SegmentMax"])
def test_sorted_segments_need_sorted_numbers_for_every_row(name, ids):
    with pytest.raises(InvalidArgumentError):
        lookup(name).host(X, np.int32(ids))


@pytest.mark.parametrize("name", ["UnsortedSegmentSum", "UnsortedSegmentProd"])
def test_a_number_beyond_the_segments_is_refused(name):
    with pytest.raises(InvalidArgumentError, match="must be below 2"):
        lookup(name).host(X, np.int32([0, 1, 2]), np.int32(2))


def test_the_xla_form_leaves_rows_with_other_numbers_out():
    result = lookup("SegmentSumV2").host(X, np.int32([0, 5, 1]), np.int32(2))

    np.testing.assert_array_equal(result, [[1, 2], [5, 6]])


def test_no_rows_give_no_segments():
    assert lookup("SegmentSum").host(X[:0], np.int32([])).shape == (0, 2)


def test_picked_rows_must_exist():
    with pytest.raises(InvalidArgumentError, match=r"indices\[0\] = 3"):
        lookup("SparseSegmentSum").host(X, np.int32([3]), np.int32([0]), sparse_gradient=False)
