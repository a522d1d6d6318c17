"""Options of `tf.saved_model.save` and `tf.saved_model.load`."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any


class VariablePolicy(enum.Enum):
    """How the devices of variables are kept with them."""

    NONE = None
    SAVE_VARIABLE_DEVICES = "save_variable_devices"
    EXPAND_DISTRIBUTED_VARIABLES = "expand_distributed_variables"


class SaveOptions:
    """Options of `tf.saved_model.save`.

    Args:
        namespace_whitelist: namespaces of custom ops that may be saved; there are none.
        save_debug_info: accepted for compatibility; no debug info is written.
        function_aliases: text by which a function can be found in the file -> function.
        experimental_debug_stripper: accepted for compatibility.
        experimental_io_device: accepted for compatibility.
        experimental_variable_policy: accepted for compatibility: a variable of several devices
            is one variable here, and is written as one.
        experimental_custom_gradients: accepted for compatibility: gradients of loaded
            functions are those of their ops.
        experimental_image_format: whether a model of more than 2 GiB is written in chunks,
            which is not implemented; smaller ones are one file either way, as in TensorFlow.
        experimental_skip_saver: whether the ops that save and restore are left out.
        experimental_sharding_callback: how values are spread over files, such as
            `tf.train.experimental.MaxShardSizePolicy`.
        extra_tags: tags beside "serve".
    """

    def __init__(
        self,
        namespace_whitelist: Sequence[str] | None = None,
        save_debug_info: bool = False,
        function_aliases: Mapping[str, Any] | None = None,
        experimental_debug_stripper: bool = False,
        experimental_io_device: str | None = None,
        experimental_variable_policy: Any = None,
        experimental_custom_gradients: bool = True,
        experimental_image_format: bool = False,
        experimental_skip_saver: bool = False,
        experimental_sharding_callback: Any = None,
        extra_tags: Sequence[str] | None = None,
    ) -> None:
        policy = VariablePolicy(getattr(experimental_variable_policy, "value", None))
        self.namespace_whitelist = list(namespace_whitelist or [])
        self.save_debug_info = save_debug_info
        self.function_aliases = dict(function_aliases or {})
        self.experimental_debug_stripper = experimental_debug_stripper
        self.experimental_io_device = experimental_io_device
        self.experimental_variable_policy = policy
        self.experimental_custom_gradients = experimental_custom_gradients
        self.experimental_image_format = experimental_image_format
        self.experimental_skip_saver = experimental_skip_saver
        self.experimental_sharding_callback = experimental_sharding_callback
        self.extra_tags = list(extra_tags or [])


class LoadOptions:
    """Options of `tf.saved_model.load`.

    Args:
        allow_partial_checkpoint: whether variables without a value in the file are allowed.
        experimental_io_device: accepted for compatibility.
        experimental_skip_checkpoint: whether variables are left without their values.
        experimental_variable_policy: accepted for compatibility.
        experimental_load_function_aliases: whether the aliases of functions are loaded as
            the attribute `function_aliases`.
        allow_unsafe_ops: whether the model may read and write files, call Python functions of
            this program, and lie behind links; only for models that you trust. Otherwise a
            function that does so raises PermissionDeniedError when it comes to it.
    """

    def __init__(
        self,
        allow_partial_checkpoint: bool = False,
        experimental_io_device: str | None = None,
        experimental_skip_checkpoint: bool = False,
        experimental_variable_policy: Any = None,
        experimental_load_function_aliases: bool = False,
        allow_unsafe_ops: bool = False,
    ) -> None:
        self.allow_partial_checkpoint = allow_partial_checkpoint
        self.experimental_io_device = experimental_io_device
        self.experimental_skip_checkpoint = experimental_skip_checkpoint
        self.experimental_variable_policy = experimental_variable_policy
        self.experimental_load_function_aliases = experimental_load_function_aliases
        self.allow_unsafe_ops = allow_unsafe_ops
