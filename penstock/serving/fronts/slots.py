"""Memory that a front process shares with the engine process, cut into slots."""

import mmap
import os
import tempfile

from penstock.core.errors import DataLossError

SLOT_BYTES = 1 << 17
SLOTS = 256


class Slots:
    """A file without a name, mapped into both processes.

    Args:
        descriptor: of the file; `None` makes one.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        size = SLOT_BYTES * SLOTS
        if descriptor is None:
            descriptor = _nameless_file()
            os.ftruncate(descriptor, size)
        elif os.fstat(descriptor).st_size != size:
            raise DataLossError(f"shared memory must have {size} bytes")
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, size)
        self._memory = memoryview(self._map)

    def slot(self, number: int) -> memoryview:
        """Return one slot."""
        start = number * SLOT_BYTES
        return self._memory[start : start + SLOT_BYTES]

    def close(self) -> None:
        """Let go; the memory stays while arrays refer to it."""
        os.close(self.descriptor)
        try:
            self._memory.release()
            self._map.close()
        except BufferError:  # an array still looks at it, and will be the last to
            return


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("penstock-slots")
    file, name = tempfile.mkstemp(prefix="penstock-slots-")
    os.unlink(name)  # noqa: PTH108  (the name is of no use any more)
    return file
