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


def _policy(given: Any) -> VariablePolicy:
    value = getattr(given, "value", given)
    for policy in VariablePolicy:
        if policy.value == (None if value is None else str(value).lower()):
            return policy
    raise ValueError(f"Received invalid VariablePolicy value: {given}.")


def _namespaces(given: Sequence[str] | None) -> list[str] | None:
    for name in given or ():
        if not isinstance(name, str):
            raise ValueError(f"Whitelisted namespace must be a string. Got: {name}.")  # noqa: TRY004
    return None if given is None else list(given)


class SaveOptions:
    """Options of `tf.saved_model.save`.

    Args:
        namespace_whitelist: namespaces of ops, as in `Space>Op`, that may be saved; None
            allows all.
        save_debug_info: whether the lines of the program that made the nodes are written to
            `debug/saved_model_debug_info.pb`.
        function_aliases: text by which a function can be found in the file -> function.
        experimental_debug_stripper: whether nodes that check or print are made to do nothing.
        experimental_io_device: device whose host writes; this program does, so it is only
            checked to be a name of a device.
        experimental_variable_policy: a variable of several devices is one variable here, and
            is written as one. Devices are not written, which other programs lack anyway.
        experimental_custom_gradients: accepted for compatibility: rules of
            `tf.custom_gradient` are not written, and whoever asks for such a gradient of the
            loaded function is told so.
        experimental_image_format: must be False, as in TensorFlow outside of Google.
        experimental_skip_saver: whether the ops that save and restore are left out.
        experimental_sharding_callback: how values are spread over files, such as
            `tf.train.experimental.MaxShardSizePolicy`.
        extra_tags: tags beside "serve".

    Raises:
        ValueError: an argument is none of these.
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
        policy = _policy(experimental_variable_policy)
        if experimental_image_format:
            raise ValueError(
                "experimental_image_format must be False: models in chunks are not written"
            )
        self.namespace_whitelist = _namespaces(namespace_whitelist)
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
        experimental_io_device: device whose host reads; this program does, so it is only
            checked to be a name of a device.
        experimental_skip_checkpoint: whether variables are left without their values.
        experimental_variable_policy: a `VariablePolicy`; files of all of them are read alike.
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
        policy = _policy(experimental_variable_policy)
        self.experimental_variable_policy = policy
        self.experimental_load_function_aliases = experimental_load_function_aliases
        self.allow_unsafe_ops = allow_unsafe_ops
