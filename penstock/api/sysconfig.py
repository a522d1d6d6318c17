"""`tf.sysconfig`: how this build was made."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from penstock.core.errors import UnimplementedError
from penstock.runtime.devices import devices_of_kind

# What TensorFlow says of the C++ compiler that built it. Nothing here is built by one.
CXX11_ABI_FLAG = 0
CXX_VERSION = 0
MONOLITHIC_BUILD = 0

__all__ = [
    "CXX11_ABI_FLAG",
    "CXX_VERSION",
    "MONOLITHIC_BUILD",
    "get_build_info",
    "get_compile_flags",
    "get_include",
    "get_lib",
    "get_link_flags",
]


def get_build_info() -> OrderedDict[str, Any]:
    """Say what the build supports, under TensorFlow's keys.

    The wheel is pure Python: what it can use depends on the jaxlib that is installed.
    """
    return OrderedDict(
        is_cuda_build=bool(devices_of_kind("GPU")), is_rocm_build=False, is_tensorrt_build=False
    )


def _no_headers(name: str) -> Any:
    raise UnimplementedError(
        f"tf.sysconfig.{name} has nothing to answer: custom ops are written in Python here"
    )


def get_include() -> str:
    """Raise `UnimplementedError`: there are no C++ headers."""
    return str(_no_headers("get_include"))


def get_lib() -> str:
    """Raise `UnimplementedError`: there is no shared library."""
    return str(_no_headers("get_lib"))


def get_compile_flags() -> list[str]:
    """Raise `UnimplementedError`: there are no C++ headers."""
    return list(_no_headers("get_compile_flags"))


def get_link_flags() -> list[str]:
    """Raise `UnimplementedError`: there is no shared library."""
    return list(_no_headers("get_link_flags"))
