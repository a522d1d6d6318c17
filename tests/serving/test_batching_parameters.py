"""TF Serving's file of batching parameters."""

import logging

import pytest

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.batching_parameters import BatchingParameters, read_batching_parameters


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "batching.txt"
        file.write_text(text)
        return read_batching_parameters(file)

    return read


def test_every_field_of_the_file_is_taken(read):
    text = """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 1500 }
        max_enqueued_batches { value: 7 }
        allowed_batch_sizes: 8
        allowed_batch_sizes: 32
        pad_variable_length_inputs: true
        enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 32 }
    """

    assert read(text) == BatchingParameters(
        max_batch_size=128,
        max_enqueued_batches=7,
        allowed_batch_sizes=(8, 32),
        batch_timeout_micros=1500,
        pad_variable_length_inputs=True,
        max_execution_batch_size=32,
    )
    assert read(text).largest == 32


def test_what_is_left_out_has_our_defaults(read):
    assert read("") == BatchingParameters()
    assert read("allowed_batch_sizes: [4, 16]").max_batch_size == 16


def test_threads_are_no_matter_and_that_is_said(read, caplog):
    with caplog.at_level(logging.INFO, "penstock.serving"):
        parameters = read('num_batch_threads { value: 4 } thread_pool_name { value: "p" }')

    assert parameters == BatchingParameters()
    assert "num_batch_threads has no effect" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size: 3", "batching parameters"),
        ("no_such_field { value: 1 }", "no_such_field"),
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1, got 0"),
        ("batch_timeout_micros { value: -1 }", "must not be negative, got -1"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "end with max_batch_size 8"),
        (
            "max_batch_size { value: 8 } max_execution_batch_size { value: 16 }",
            "at most max_batch_size 8, got 16",
        ),
        (
            """
            max_execution_batch_size { value: 16 }
            enable_large_batch_splitting { value: false }
            """,
            "needs enable_large_batch_splitting",
        ),
    ],
)
def test_files_that_make_no_sense_are_refused(read, text, message):
    with pytest.raises(InvalidArgumentError, match=message):
        read(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotFoundError, match=r"nothing\.txt"):
        read_batching_parameters(tmp_path / "nothing.txt")
