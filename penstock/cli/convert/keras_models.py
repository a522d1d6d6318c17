"""Keras models into SavedModels."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from penstock.core.errors import InvalidArgumentError


def to_saved_model(source: Path, target: Path, code: list[str], *, unsafe: bool) -> None:
    """Load a `.keras` or `.h5` model and export it for serving.

    Args:
        source: the model.
        target: directory of the SavedModel.
        code: names of the layers that hold Python code.
        unsafe: whether their code may run.

    Raises:
        InvalidArgumentError: a layer holds code, or Keras cannot load the model.
    """
    if code and not unsafe:
        raise InvalidArgumentError(
            f"layers of '{source}' hold Python code: {', '.join(code)}; pass --unsafe to run "
            "it, if you trust where the file comes from"
        )
    # Choosing Keras' backend is for programs that use Keras, hence not at the top.
    keras: Any = importlib.import_module("penstock.keras")
    try:
        model = keras.models.load_model(source, compile=False, safe_mode=not unsafe)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InvalidArgumentError(f"Keras cannot load '{source}': {error}") from error
    model.export(target, verbose=False)
