"""Compiled executables that outlive the process: XLA's, kept as files in a folder.

JAX reads and writes the files. They hold machine code and no pickles: whoever can write to the
folder decides what runs, so it must be the user's own. Who fills it from elsewhere answers for
what comes in.
"""

import hashlib
import platform
import re
import warnings
from pathlib import Path

import jax
import jaxlib

# What JAX names the files: the function, and a hash of the computation, of the options, and of
# the versions and devices that it was compiled for.
FILE_NAME = re.compile(r"[A-Za-z0-9_.<>-]{1,200}-[0-9a-f]{64}-cache")


def keep_executables_in(folder: Path) -> bool:
    """Let everything that is compiled from now on be kept in a folder, and be found there.

    Returns:
        Whether it is so; the program may have chosen another folder before.
    """
    chosen: str | None = getattr(jax.config, "jax_compilation_cache_dir")  # noqa: B009  (no stub)
    if chosen is not None:
        return Path(chosen) == folder
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # Further caches of XLA would put the folder's name into the keys.
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    # A file that cannot be read or written costs a compilation, which is what there was before.
    warnings.filterwarnings("ignore", ".*persistent compilation cache.*")
    return True


def executables_key() -> str:
    """What a compiled executable depends on besides its computation, as the name of a folder.

    It names the version of jaxlib and the platform, and a hash of the processor's features.
    """
    device = jax.devices()[0]
    parts = [platform.machine(), device.platform, device.device_kind, _processor_features()]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return f"jaxlib-{jaxlib.__version__}-{device.platform}-{digest}"


def _processor_features() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() in ("flags", "Features"):
                    return " ".join(sorted(value.split()))
    except OSError:
        pass
    return platform.processor()
