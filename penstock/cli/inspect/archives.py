"""Files of numpy, Keras and others: arrays and layers, read without loading a model."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.cli.inspect.hdf5 import read_hdf5, read_hdf5_stream
from penstock.cli.inspect.report import Report, Table, shortened
from penstock.cli.inspect.tensors import Tensor, add_tensors
from penstock.core.errors import DataLossError
from penstock.wire.npz import UNREADABLE, open_archive, read_headers
from penstock.wire.safetensors import read_places

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MAX_TEXT_BYTES = 64 << 20  # of a JSON text, after it is unpacked
_LEAST_TEXT_BYTES = 1 << 20
_UNPACKED = 10  # how much larger than the archive a text may be
_MAX_WEIGHTS_BYTES = 1 << 32
_PICKLED = "pickled, not read"


def inspect_npz(path: Path) -> Report:
    """Describe an archive of arrays; only headers are read.

    Raises:
        DataLossError: it is damaged.
    """
    report = Report("npz archive", {})
    tensors = [
        Tensor(
            header.name,
            str(header.dtype),
            header.shape,
            0 if header.is_pickled else header.dtype.itemsize,
            _PICKLED if header.is_pickled else "",
        )
        for header in read_headers(path)
    ]
    add_tensors(report, tensors, "arrays")
    if any(tensor.note == _PICKLED for tensor in tensors):
        report.warnings.append(
            "arrays of objects are pickled; reading one can run any code, so none is read"
        )
    return report


def inspect_safetensors(path: Path) -> Report:
    """Describe a safetensors file; only its header is read.

    Raises:
        DataLossError: it is damaged.
    """
    report = Report("safetensors file", {})
    tensors = [
        Tensor(place.name, place.dtype.name, place.shape, place.dtype.size)
        for place in read_places(path)
    ]
    add_tensors(report, tensors, "tensors")
    return report


def inspect_keras(path: Path) -> Report:
    """Describe a `.keras` file: versions, layers and weights.

    Raises:
        DataLossError: it is damaged.
    """
    report = Report("Keras model", {})
    with open_archive(path) as archive:
        config = _json(archive, _CONFIG, path)
        if _METADATA in archive.namelist():
            metadata = _json(archive, _METADATA, path)
            report.record["metadata"] = metadata
            saved = f"{metadata.get('keras_version', '?')}, {metadata.get('date_saved', '?')}"
            report.facts.append(("Keras", saved))
        _add_config(report, config)
        _add_stray_names(report, archive)
        if _WEIGHTS in archive.namelist():
            if archive.getinfo(_WEIGHTS).file_size > _MAX_WEIGHTS_BYTES:
                raise DataLossError(f"'{_WEIGHTS}' of '{path}' must not exceed 4 GiB here")
            add_tensors(report, _weights(archive, path), "weights")
    return report


def _weights(archive: zipfile.ZipFile, path: Path) -> list[Tensor]:
    try:
        with archive.open(_WEIGHTS) as stream:
            return read_hdf5_stream(stream, f"weights of '{path}'")
    except UNREADABLE as error:
        raise DataLossError(f"'{_WEIGHTS}' of '{path}' must be whole: {error}") from None


def _json(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    try:
        size = archive.getinfo(name).file_size
        most = min(_MAX_TEXT_BYTES, _LEAST_TEXT_BYTES + _UNPACKED * path.stat().st_size)
        if size > most:
            raise DataLossError(f"'{name}' of '{path}' must not exceed {most} bytes")
        found = json.loads(archive.read(name))
    except (KeyError, ValueError, RecursionError, *UNREADABLE) as error:
        raise DataLossError(f"'{path}' must have a JSON text '{name}': {error}") from None
    if not isinstance(found, dict):
        raise DataLossError(f"'{name}' of '{path}' must be a JSON object")
    return found


def _add_config(report: Report, config: dict[str, Any]) -> None:
    inner = config.get("config")
    inner = inner if isinstance(inner, dict) else {}
    name = f"{config.get('class_name', '?')} '{inner.get('name', '?')}'"
    report.facts.insert(0, ("model", name))
    layers = inner.get("layers")
    layers = (
        [each for each in layers if isinstance(each, dict)] if isinstance(layers, list) else []
    )
    report.record["model"] = {"class": config.get("class_name"), "name": inner.get("name")}
    report.record["layers"] = [_layer(layer) for layer in layers]
    rows = [
        (str(layer["name"]), str(layer["class"]), layer["about"])
        for layer in report.record["layers"]
    ]
    report.tables.append(Table("layers", ("name", "class", ""), rows))
    try:
        code = [str(name) for name in code_layers(config)]
    except RecursionError:
        raise DataLossError("the configuration of a model must not be nested so deep") from None
    report.record["layers_with_code"] = code
    if code:
        report.warnings.append(
            f"layers that hold Python code: {', '.join(code)}; loading refuses them unless "
            "safe_mode=False, and then runs that code"
        )


def _layer(layer: dict[str, Any]) -> dict[str, Any]:
    inner = layer.get("config")
    inner = inner if isinstance(inner, dict) else {}
    told = ("units", "filters", "kernel_size", "rate", "activation", "batch_shape", "axis")
    about = {
        key: inner[key]
        for key in told
        if inner.get(key) is not None and not isinstance(inner[key], dict)
    }
    text = shortened(", ".join(f"{key}={value}" for key, value in about.items()))
    return {"name": inner.get("name"), "class": layer.get("class_name"), "about": text}


def code_layers(config: Any, name: str = "?") -> Iterator[str]:
    """Names of the layers of a configuration that hold Python code."""
    if isinstance(config, dict):
        inner = config.get("config")
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            name = inner["name"]
        if config.get("class_name") == "__lambda__" or _is_marshalled(config):
            yield name
            return
        for value in config.values():
            yield from code_layers(value, name)
    elif isinstance(config, list):
        for value in config:
            yield from code_layers(value, name)


def _is_marshalled(config: dict[str, Any]) -> bool:
    """Whether a configuration is a lambda as older files write it: code, defaults, closure."""
    inner = config.get("config")
    if config.get("class_name") != "Lambda" or not isinstance(inner, dict):
        return False
    return isinstance(inner.get("function"), list)


def _add_stray_names(report: Report, archive: zipfile.ZipFile) -> None:
    stray = [name for name in archive.namelist() if _leads_out(name)]
    report.record["stray_names"] = stray
    if stray:
        report.warnings.append(f"names lead out of the archive: {', '.join(stray[:5])}")


def _leads_out(name: str) -> bool:
    return name.startswith(("/", "\\")) or ".." in Path(name.replace("\\", "/")).parts


def inspect_hdf5(path: Path) -> Report:
    """Describe an HDF5 file: a model of older Keras, weights, or any other.

    Raises:
        DataLossError: it is damaged.
    """
    report = Report("HDF5 file", {})
    attributes, tensors = read_hdf5(path, f"'{path}'")
    if "model_config" in attributes:
        report.kind = "Keras model (HDF5)"
        try:
            config = json.loads(attributes["model_config"])
        except (ValueError, RecursionError) as error:
            raise DataLossError(f"the model of '{path}' must be JSON: {error}") from None
        if not isinstance(config, dict):
            raise DataLossError(f"the model of '{path}' must be a JSON object")
        _add_config(report, config)
    elif path.name.endswith(".weights.h5"):
        report.kind = "Keras weights"
    if "keras_version" in attributes:
        report.record["keras_version"] = str(attributes["keras_version"])
        report.facts.append(("Keras", str(attributes["keras_version"])))
    add_tensors(report, tensors, "weights")
    return report
