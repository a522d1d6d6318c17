"""`tf.data.experimental`: whole pipelines from files to batches of features."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.api import gfile
from penstock.api.parsing.example import parse_example
from penstock.core import dtypes
from penstock.core.type_spec import TensorSpec
from penstock.data.csv_dataset import CsvDatasetV2, CsvFormat
from penstock.data.csv_inference import infer_defaults, infer_names
from penstock.data.dataset.base import DatasetV2
from penstock.data.dataset.files import TFRecordDatasetV2, _compression
from penstock.data.run import AUTOTUNE
from penstock.runtime.dispatch import call

Transformation = Callable[[Any], Any]


def _files(file_pattern: Any) -> list[str]:
    """Names of all files that match, in order.

    Raises:
        ValueError: there is none.
    """
    names = sorted(gfile.glob(file_pattern))
    if not names:
        raise ValueError(f"No files match `file_pattern` {file_pattern}.")
    return names


def _records(
    names: list[str],
    read: Callable[[Any], Any],
    threads: int | None,
    sloppy: bool,
    shuffle: bool,
    seed: Any,
) -> Any:
    """The records of files, of several in turn where that is wanted."""
    dataset: Any = DatasetV2.from_tensor_slices(names)  # type: ignore[attr-defined]
    if shuffle:
        dataset = dataset.shuffle(len(names), seed)
    threads = 1 if threads is None else int(threads)
    return dataset.interleave(
        read, cycle_length=threads, block_length=1, deterministic=not sloppy
    )


def _shuffled_and_repeated(
    dataset: Any, num_epochs: int | None, shuffle: bool, buffer_size: int, seed: Any
) -> Any:
    if shuffle:
        dataset = dataset.shuffle(buffer_size, seed)
    return dataset if num_epochs == 1 else dataset.repeat(num_epochs)


def parse_example_dataset(
    features: Mapping[str, Any] | None,
    num_parallel_calls: Any = 1,
    deterministic: bool | None = None,
) -> Transformation:
    """Return a function for `apply` that parses batches of serialized examples.

    Args:
        features: see `tf.io.parse_example`.
        num_parallel_calls: how many batches are parsed at once.
        deterministic: whether they keep their order.

    Raises:
        ValueError: no features are given.
    """
    if features is None:
        raise ValueError("Argument `features` is required, but not specified.")

    def parse(dataset: Any) -> Any:
        spec = dataset.element_spec
        vector = isinstance(spec, TensorSpec) and spec.dtype == dtypes.string
        if not vector or spec.shape.rank not in (1, None):
            raise TypeError(
                "Input dataset should be a dataset of vectors of strings. Instead it is "
                f"`{spec}`."
            )
        calls = None if num_parallel_calls == 1 else num_parallel_calls
        return dataset.map(
            lambda serialized: parse_example(serialized, features), calls, deterministic
        )

    return parse


def make_batched_features_dataset(
    file_pattern: Any,
    batch_size: int,
    features: Mapping[str, Any],
    reader: Any = None,
    label_key: str | None = None,
    reader_args: Sequence[Any] | None = None,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: Any = None,
    prefetch_buffer_size: int | None = None,
    reader_num_threads: int | None = None,
    parser_num_threads: int | None = None,
    sloppy_ordering: bool = False,
    drop_final_batch: bool = False,
) -> Any:
    """Return a dataset of batches of the features of examples in files.

    Args:
        file_pattern: pattern of the names of the files, or a list of such.
        batch_size: number of examples in a batch.
        features: see `tf.io.parse_example`.
        reader: gives a dataset of serialized examples for a name; None for `TFRecordDataset`.
        label_key: feature that is given apart from the others.
        reader_args: further arguments of the reader.
        num_epochs: how often the examples come; None for ever.
        shuffle: whether they come in a random order.
        shuffle_buffer_size: number of examples among which the next one is drawn.
        shuffle_seed: seed of the order.
        prefetch_buffer_size: number of batches made ahead.
        reader_num_threads: number of files read in turn.
        parser_num_threads: number of batches parsed at once.
        sloppy_ordering: whether the order of files may vary.
        drop_final_batch: whether a last batch that is not full is left out.

    Returns:
        A dataset of dicts, or of pairs of a dict and the label.

    Raises:
        ValueError: no file matches, or the label is no feature.
        TypeError: the reader is no class of datasets.
    """
    if label_key is not None and label_key not in features:
        raise ValueError(
            f"The `label_key` provided ({label_key}) must be one of the `features` keys: "
            f"{features.keys()}."
        )
    reader = TFRecordDatasetV2 if reader is None else reader
    arguments = list(reader_args or ())
    dataset = _records(
        _files(file_pattern),
        lambda name: reader(name, *arguments),
        reader_num_threads,
        sloppy_ordering,
        shuffle,
        shuffle_seed,
    )
    if dataset.element_spec == (
        TensorSpec([], dtypes.string),
        TensorSpec([], dtypes.string),
    ):
        # Readers of keys and values: the values are the examples.
        dataset = dataset.map(lambda _, value: value)
    dataset = _shuffled_and_repeated(
        dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed
    )
    dataset = dataset.batch(batch_size, drop_remainder=drop_final_batch or num_epochs is None)
    dataset = parse_example_dataset(features, parser_num_threads or 1)(dataset)
    if label_key is not None:
        dataset = dataset.map(lambda parsed: _with_label(parsed, label_key))
    return dataset.prefetch(AUTOTUNE if prefetch_buffer_size is None else prefetch_buffer_size)


def _with_label(features: Mapping[str, Any], label: str) -> tuple[dict[str, Any], Any]:
    others = {key: value for key, value in features.items() if key != label}
    ordered = OrderedDict(others) if isinstance(features, OrderedDict) else others
    return ordered, features[label]


def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Sequence[str] | None = None,
    column_defaults: Sequence[Any] | None = None,
    label_name: str | None = None,
    select_columns: Sequence[Any] | None = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: Any = None,
    prefetch_buffer_size: int | None = None,
    num_parallel_reads: int | None = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: str | None = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> Any:
    """Return a dataset of batches of the columns of comma-separated files.

    Args:
        file_pattern: pattern of the names of the files, or a list of such.
        batch_size: number of records in a batch.
        column_names: names of all columns; None takes the first record of the files.
        column_defaults: for each wanted column its dtype, if it must be there, or a default;
            None takes 0 or "" of the narrowest type that the first records fit.
        label_name: column that is given apart from the others.
        select_columns: names or numbers of the columns that are wanted; None for all.
        field_delim: what separates fields, one byte.
        use_quote_delim: whether double quotes enclose fields.
        na_value: a further text that counts as empty.
        header: whether the first record of each file holds names.
        num_epochs: how often the records come; None for ever.
        shuffle: whether they come in a random order.
        shuffle_buffer_size: number of records among which the next one is drawn.
        shuffle_seed: seed of the order.
        prefetch_buffer_size: number of batches made ahead.
        num_parallel_reads: number of files read in turn.
        sloppy: whether the order of files may vary.
        num_rows_for_inference: number of records that types are told by; None for all.
        compression_type: "", "ZLIB" or "GZIP".
        ignore_errors: whether malformed records are left out.
        encoding: accepted for compatibility; names are UTF-8.

    Returns:
        A dataset of dicts, or of pairs of a dict and the label.

    Raises:
        ValueError: no file matches, or columns are not told as they must be.
    """
    del encoding
    names = _files(file_pattern)
    how = CsvFormat(
        (),
        _compression(compression_type),
        delimiter=field_delim.encode(),
        quotes=use_quote_delim,
        missing=na_value.encode(),
    )
    if column_names is None:
        if not header:
            raise ValueError(
                "Expected `column_names` or `header` arguments. Neither is provided."
            )
        column_names = infer_names(names, how)
    columns = list(column_names)
    if len(columns) != len(set(columns)):
        raise ValueError("Cannot have duplicate column names.")
    wanted = _wanted(columns, select_columns)
    if column_defaults is not None:
        if len(column_defaults) != len(wanted):
            raise ValueError(
                "If specified, `column_defaults` and `select_columns` must have the same "
                f"length: `column_defaults` has length {len(column_defaults)}, "
                f"`select_columns` has length {len(wanted)}."
            )
        defaults = list(column_defaults)
    else:
        with_header = CsvFormat(
            (), how.compression, header=header, delimiter=how.delimiter,
            quotes=how.quotes, missing=how.missing,
        )  # fmt: skip
        defaults = infer_defaults(names, with_header, wanted, num_rows_for_inference)
    chosen = [columns[i] for i in wanted]
    if label_name is not None and label_name not in chosen:
        raise ValueError(
            f"`label_name` provided must be one of the columns: {chosen}. Received: "
            f"{label_name}."
        )

    def read(name: Any) -> Any:
        dataset: Any = CsvDatasetV2(
            name,
            defaults,
            compression_type,
            header=header,
            field_delim=field_delim,
            use_quote_delim=use_quote_delim,
            na_value=na_value,
            select_cols=None if len(wanted) == len(columns) else wanted,
        )
        return dataset.ignore_errors() if ignore_errors else dataset

    def name_columns(*values: Any) -> Any:
        features = OrderedDict(zip(chosen, values, strict=True))
        return features if label_name is None else _with_label(features, label_name)

    dataset = _records(names, read, num_parallel_reads, sloppy, shuffle, shuffle_seed)
    dataset = _shuffled_and_repeated(
        dataset, num_epochs, shuffle, shuffle_buffer_size, shuffle_seed
    )
    dataset = dataset.batch(batch_size, drop_remainder=num_epochs is None).map(name_columns)
    return dataset.prefetch(1 if prefetch_buffer_size is None else prefetch_buffer_size)


def _wanted(columns: list[str], select: Sequence[Any] | None) -> list[int]:
    """Numbers of the columns that are wanted, rising.

    Raises:
        ValueError: there is no such column, or one is named twice.
    """
    if select is None:
        return list(range(len(columns)))
    numbers = sorted(
        columns.index(item) if isinstance(item, str) and item in columns else item
        for item in select
    )
    if any(isinstance(n, str) or not 0 <= n < len(columns) for n in numbers):
        raise ValueError(f"select_columns must be among {columns}, got {list(select)}")
    if len(numbers) != len(set(numbers)):
        raise ValueError("Cannot have duplicate columns in `select_columns`.")
    return numbers


def pad_to_cardinality(cardinality: int, mask_key: str = "valid") -> Transformation:
    """Return a function for `apply` that adds blank elements up to a number.

    Args:
        cardinality: number of elements in the end.
        mask_key: key under which each element, a dict, tells whether it is no blank.
    """

    def pad(dataset: Any) -> Any:
        count = int(dataset.cardinality())
        if count < 0:
            raise ValueError(
                "The dataset passed into `pad_to_cardinality` must have a known cardinalty, "
                f"but has cardinality {count}"
            )
        if count > cardinality:
            raise ValueError(
                "The dataset passed into `pad_to_cardinality` must have a cardinalty less than "
                f"the target cardinality ({cardinality}), but has cardinality {count}"
            )
        if not isinstance(dataset.element_spec, Mapping):
            raise ValueError(  # noqa: TRY004  (TensorFlow's class)
                "`pad_to_cardinality` requires its input dataset to be a dictionary."
            )
        marked = dataset.map(lambda element: {**element, mask_key: True})
        blank = dataset.take(1).map(
            lambda element: {
                **{key: _blank(value) for key, value in element.items()},
                mask_key: False,
            }
        )
        return marked.concatenate(blank.repeat(cardinality - count))

    return pad


def _blank(value: Any) -> Any:
    return call("ZerosLike", value)
