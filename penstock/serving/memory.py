"""Memory of models: what one will need, and giving back what one has left."""

import ctypes
import gc
import sys
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import InvalidArgumentError, ResourceExhaustedError

# A model takes its variables, and its graph and executables beside them; TF Serving reckons
# with the same share.
FACTOR = 1.2


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """How much memory all loaded versions may take together, by estimate.

    Args:
        limit_bytes: of all of them.
        factor: memory of a version for each byte of its files.
    """

    limit_bytes: int
    factor: float = FACTOR

    def __post_init__(self) -> None:
        if self.limit_bytes < 1:
            raise InvalidArgumentError(
                f"a memory budget must be at least 1 byte, got {self.limit_bytes}"
            )

    def estimate(self, path: Path) -> int:
        """Return the memory that the version in a folder will take."""
        files = [path / "saved_model.pb", *(path / "variables").glob("variables.data-*")]
        return int(self.factor * sum(file.stat().st_size for file in files if file.is_file()))

    def check(self, what: str, needed: int, taken: int) -> None:
        """Refuse what does not fit.

        Raises:
            ResourceExhaustedError: it is too large beside what is loaded.
        """
        if needed + taken > self.limit_bytes:
            raise ResourceExhaustedError(
                f"{what} needs about {_text(needed)}, and {_text(taken)} of the memory budget "
                f"of {_text(self.limit_bytes)} are taken; raise --memory_budget, or serve "
                "fewer versions"
            )


def give_back(*, with_cycles: bool = True) -> None:
    """Free what is not used any more, and hand it to the operating system.

    Args:
        with_cycles: whether to look for cycles, which models have. Nothing else runs meanwhile.
    """
    if with_cycles:
        gc.collect()
    if _MALLOC_TRIM is not None:
        _MALLOC_TRIM(0)


def parse_bytes(text: str) -> int:
    """Return the bytes of a text such as `512MiB`, `2G` or `1000000`.

    Raises:
        InvalidArgumentError: it is no size.
    """
    number = text.strip().lower().removesuffix("b").removesuffix("i")
    power = " kmgt".find(number[-1:]) if number[-1:].isalpha() else 0
    if power > 0:
        number = number[:-1]
    try:
        if power < 0:
            raise ValueError
        return int(float(number) * 1024**power)
    except (ValueError, OverflowError):
        raise InvalidArgumentError(
            f"a size must be a number with K, M, G or T behind it, such as 2G, got '{text}'"
        ) from None


def _text(size: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024 or unit == "MiB":
            break
        size //= 1024
    return f"{size} {unit}"


def _find_malloc_trim() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    try:
        # glibc keeps what is freed for the next model; musl has no such function, nor need.
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None


_MALLOC_TRIM = _find_malloc_trim()
