"""The devices that XLA offers, under TensorFlow's names."""

from __future__ import annotations

import functools
from typing import Any

import jax

from penstock.core.device_name import DeviceSpec
from penstock.core.errors import InvalidArgumentError
from penstock.runtime.allocator import share_one_arena

_KINDS = {"cpu": "CPU", "gpu": "GPU", "cuda": "GPU", "rocm": "GPU", "tpu": "TPU"}


@functools.cache
def host_is_default() -> bool:
    """Whether computations run on the CPU unless told otherwise."""
    share_one_arena()  # the first question about devices makes XLA's threads
    return jax.default_backend() == "cpu"


@functools.cache
def devices_of_kind(kind: str) -> tuple[Any, ...]:
    """JAX's devices of TensorFlow's kind `kind` ("CPU", "GPU", "TPU")."""
    found: list[Any] = []
    for platform, name in _KINDS.items():
        if name != kind:
            continue
        try:
            found.extend(device for device in jax.devices(platform) if device not in found)
        except RuntimeError:
            continue  # this build of jaxlib has no such platform
    return tuple(found)


class _CpuNames:
    """How many names the CPU answers to, beyond the devices that XLA made of it."""

    count = 1
    may_change = False


def let_devices_change() -> None:
    """Allow `split_cpu` from now on, although devices have been used."""
    _CpuNames.may_change = True


def split_cpu(count: int) -> None:
    """Make `count` devices of the CPU.

    Where programs started afresh (see `let_devices_change`), XLA's devices stay what they are,
    and the CPU answers to `count` names: its cores are the same for all of them.

    Raises:
        RuntimeError: devices have been used already.
    """
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except RuntimeError:
        if not _CpuNames.may_change:
            raise RuntimeError(
                "Virtual devices cannot be modified after being initialized"
            ) from None
        _CpuNames.count = count
        device_for.cache_clear()


def compute_in_callers_thread() -> None:
    """Let computations on the CPU run in the thread that asks for them.

    Handing them to a thread of XLA costs more than a small model takes. It is for programs that
    wait for each result anyway, and has no effect after the first computation.
    """
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def count_of_kind(kind: str) -> int:
    """How many devices of a kind can be named."""
    made = len(devices_of_kind(kind))
    return max(made, _CpuNames.count) if kind == "CPU" else made


def memory_of(kind: str, index: int) -> dict[str, int]:
    """Bytes in use on a device, now and at most; zeros where XLA does not count them.

    Raises:
        ValueError: there is no such device.
    """
    found = devices_of_kind(kind)
    if index >= len(found):
        raise ValueError(f"No matching devices found for '{kind}:{index}'")
    counted = found[index].memory_stats() or {}
    return {
        "current": int(counted.get("bytes_in_use", 0)),
        "peak": int(counted.get("peak_bytes_in_use", 0)),
    }


def details_of(kind: str, index: int) -> dict[str, Any]:
    """What is known of a device: for GPUs their model, and what they can compute."""
    found = devices_of_kind(kind)
    if kind != "GPU" or index >= len(found):
        return {}
    details: dict[str, Any] = {"device_name": found[index].device_kind}
    capability = getattr(found[index], "compute_capability", None)
    if capability is not None:
        details["compute_capability"] = tuple(int(part) for part in str(capability).split("."))
    return details


def wait_for_devices() -> None:
    """Wait until every device has done what it was given: work on one comes in order."""
    for device in jax.devices():
        (jax.device_put(0, device) + 0).block_until_ready()


def use_tensor_float_32(enabled: bool) -> None:
    """Let products of float32 matrices be less precise on devices that are quicker so."""
    jax.config.update("jax_default_matmul_precision", None if enabled else "highest")


@functools.lru_cache(maxsize=256)
def device_for(name: str | None) -> Any:
    """JAX's device for a TensorFlow device name; None when the default serves.

    Raises:
        InvalidArgumentError: there is no such device.
    """
    if not name:
        return None
    spec = DeviceSpec.from_string(name)
    if spec.device_type is None:
        return None
    kind = spec.device_type.upper()
    index = spec.device_index or 0
    found = devices_of_kind(kind)
    if kind == "CPU" and len(found) <= index < _CpuNames.count:
        index = 0
    if kind == "CPU" and host_is_default() and index == 0:
        return None
    if index >= len(found):
        raise InvalidArgumentError(
            f"device {name!r} must be one of this machine's: it has {len(found)} of kind {kind}"
        )
    return found[index]
