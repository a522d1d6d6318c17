import json

import numpy as np
import pytest

from tests.cli.demo.outcomes import outcome


def test_accuracy_is_the_share_that_was_read_rightly():
    assert outcome(wrong=[3, 4, 5]).accuracy == pytest.approx(17 / 20)


def test_the_surest_mistakes_come_first():
    assert outcome(wrong=[3, 11, 5]).misread.tolist() == [11, 5, 3]


def test_the_confusion_table_counts_written_by_read():
    counts = outcome(wrong=[0]).confusion

    assert counts[0, :2].tolist() == [1, 1]
    assert counts.sum() == 20
    assert np.diag(counts)[1:].tolist() == [2] * 9


@pytest.mark.parametrize(("off_by", "right"), [(0.0, True), (1e-6, True), (1e-3, False)])
def test_served_answers_are_right_within_the_tolerance(off_by, right):
    assert outcome(served_off_by=off_by).is_served_right is right


def test_the_summary_is_json_with_the_figures():
    summary = json.loads(json.dumps(outcome(wrong=[0]).summary()))

    assert summary["accuracy"] == 0.95
    assert summary["misread"] == 1
    assert summary["epochs"] == 2
    assert summary["served"]["equal"] is True
    assert summary["served"]["p50_ms"] == pytest.approx(1.5)
    assert summary["served"]["requests_per_s"] == 200
