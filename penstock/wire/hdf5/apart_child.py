"""Look into an HDF5 file; a program of its own, run as `apart_child.py PATH`.

The library that reads such files may run without end, ask for any amount of memory or crash on
damaged ones, which must not happen to the program that asks. Prints JSON: attributes of the
file, and name, dtype, shape, size of an element, stored bytes and a note of each dataset.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

_CPU_S = 4
_MEMORY_BYTES = 2 << 30
_MAX_ITEMS = 1 << 20


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _describe(path: str) -> dict[str, Any]:
    import h5py  # noqa: PLC0415  (after the limits are set)

    found: list[list[Any]] = []
    seen: set[int] = set()

    def add(item: Any, name: str) -> None:
        note = "links to another file, not read" if item.external else ""
        shape = [int(size) for size in item.shape or ()]
        size, stored = int(item.dtype.itemsize), int(item.id.get_storage_size())
        found.append([name, str(item.dtype), shape, size, stored, note])

    with h5py.File(path, "r") as file:
        attributes = {str(key): _text(file.attrs[key]) for key in file.attrs}
        waiting = [(file, "")]
        while waiting:
            group, prefix = waiting.pop()
            address = h5py.h5o.get_info(group.id).addr
            if address in seen or len(found) > _MAX_ITEMS:
                continue
            seen.add(address)
            for name in group:
                link, full = group.get(name, getlink=True), f"{prefix}{name}"
                if isinstance(link, h5py.ExternalLink):
                    found.append([full, "?", [], 0, 0, "links to another file, not read"])
                elif isinstance(link, h5py.HardLink):
                    item = group[name]
                    # Whoever reads them later meets what this program does.
                    list(item.attrs.values())
                    if isinstance(item, h5py.Dataset):
                        add(item, full)
                    elif isinstance(item, h5py.Group):
                        waiting.append((item, f"{full}/"))
    return {"attributes": attributes, "datasets": sorted(found)}


def main(path: str) -> int:
    """Describe a file within limits; gives an exit status."""
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        found = _describe(path)
    except Exception as error:  # noqa: BLE001  (the library raises classes of many kinds)
        found = {"error": " ".join(f"{error}".split()) or type(error).__name__}
    json.dump(found, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
