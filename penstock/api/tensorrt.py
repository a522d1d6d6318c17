"""`tf.experimental.tensorrt`: what TensorFlow hands to NVIDIA's compiler."""

from __future__ import annotations

from typing import Any, NamedTuple

from penstock.core.errors import UnimplementedError

__all__ = ["ConversionParams", "Converter"]

_WORKSPACE = 1 << 30


class ConversionParams(NamedTuple):
    """What to ask of NVIDIA's compiler.

    Args:
        max_workspace_size_bytes: memory that it may use.
        precision_mode: "FP32", "FP16" or "INT8".
        minimum_segment_size: least number of ops that it is given.
        maximum_cached_engines: number of compiled programs that are kept.
        use_calibration: whether ranges are found by running the model.
        allow_build_at_runtime: whether it may compile when the model runs.
    """

    max_workspace_size_bytes: Any = _WORKSPACE
    precision_mode: Any = "FP32"
    minimum_segment_size: Any = 3
    maximum_cached_engines: Any = 1
    use_calibration: Any = True
    allow_build_at_runtime: Any = True


class Converter:
    """A converter of SavedModels for NVIDIA's compiler: not implemented.

    Args:
        input_saved_model_dir: accepted for compatibility.
        input_saved_model_tags: accepted for compatibility.
        input_saved_model_signature_key: accepted for compatibility.
        use_dynamic_shape: accepted for compatibility.
        dynamic_shape_profile_strategy: accepted for compatibility.
        max_workspace_size_bytes: accepted for compatibility.
        precision_mode: accepted for compatibility.
        minimum_segment_size: accepted for compatibility.
        maximum_cached_engines: accepted for compatibility.
        use_calibration: accepted for compatibility.
        allow_build_at_runtime: accepted for compatibility.
        conversion_params: accepted for compatibility.

    Raises:
        UnimplementedError: always: XLA compiles models for NVIDIA's devices.
    """

    def __init__(
        self,
        input_saved_model_dir: str | None = None,
        input_saved_model_tags: Any = None,
        input_saved_model_signature_key: str | None = None,
        use_dynamic_shape: bool | None = None,
        dynamic_shape_profile_strategy: Any = None,
        max_workspace_size_bytes: int = _WORKSPACE,
        precision_mode: str = "FP32",
        minimum_segment_size: int = 3,
        maximum_cached_engines: int = 1,
        use_calibration: bool = True,
        allow_build_at_runtime: bool = True,
        conversion_params: Any = None,
    ) -> None:
        raise UnimplementedError(
            "tf.experimental.tensorrt.Converter needs NVIDIA's TensorRT; XLA compiles models "
            "for NVIDIA's devices by itself"
        )

    def convert(self, calibration_input_fn: Any = None) -> Any:
        """Raise `UnimplementedError`."""
        raise UnimplementedError("tf.experimental.tensorrt.Converter.convert")

    def build(self, input_fn: Any) -> None:
        """Raise `UnimplementedError`."""
        raise UnimplementedError("tf.experimental.tensorrt.Converter.build")

    def save(self, output_saved_model_dir: str, save_gpu_specific_engines: bool = True) -> None:
        """Raise `UnimplementedError`."""
        raise UnimplementedError("tf.experimental.tensorrt.Converter.save")

    def summary(
        self, line_length: int = 160, detailed: bool = True, print_fn: Any = None
    ) -> None:
        """Raise `UnimplementedError`."""
        raise UnimplementedError("tf.experimental.tensorrt.Converter.summary")
