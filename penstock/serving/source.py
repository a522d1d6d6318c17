"""Which versions of a model there should be, from the folders on disk."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import InvalidArgumentError, NotFoundError

# Chooses among the versions that are there.
VersionPolicy = Callable[[Iterable[int]], set[int]]

_MAX_VERSION = (1 << 63) - 1
_MAX_DIGITS = 24


@dataclass(frozen=True, slots=True)
class Latest:
    """Policy: the highest `num_versions` versions."""

    num_versions: int = 1

    def __post_init__(self) -> None:
        if self.num_versions < 1:
            raise InvalidArgumentError(
                f"num_versions must be at least 1, got {self.num_versions}"
            )

    def __call__(self, versions: Iterable[int]) -> set[int]:
        """Choose."""
        return set(sorted(versions)[-self.num_versions :])


@dataclass(frozen=True, slots=True)
class Specific:
    """Policy: the versions named."""

    versions: frozenset[int]

    def __call__(self, versions: Iterable[int]) -> set[int]:
        """Choose."""
        return set(self.versions) & set(versions)


def every_version(versions: Iterable[int]) -> set[int]:
    """Policy: all versions."""
    return set(versions)


def version_number(name: str) -> int | None:
    """Return the version that a folder is named for, or `None` if it is named otherwise."""
    # Longer numbers have no place in 64 bits, and Python refuses to read endless ones.
    if not (name.isascii() and name.isdigit() and len(name) <= _MAX_DIGITS):
        return None
    number = int(name)
    return number if number <= _MAX_VERSION else None


class FileSystemStoragePathSource:
    """Finds the versions of one model: sub-folders whose names are numbers.

    Source: TF Serving's class of that name.
    """

    def __init__(self, name: str, base_path: Path, policy: VersionPolicy | None = None) -> None:
        self.name = name
        self._base_path = base_path
        self.policy = Latest() if policy is None else policy

    @property
    def watched(self) -> Path | None:
        """Folder whose changes are worth a look at once."""
        return self._base_path

    def poll(self) -> Mapping[int, Path]:
        """Return the versions that should be served, with their folders.

        Raises:
            NotFoundError: the base path does not exist.
            InvalidArgumentError: the base path is itself a model.
        """
        base = self._base_path
        if not base.is_dir():
            raise NotFoundError(f"base path '{base}' of model '{self.name}' is not a folder")
        found = {
            number: path
            for path in base.iterdir()
            if (number := version_number(path.name)) is not None and path.is_dir()
        }
        if not found and (base / "saved_model.pb").is_file():
            raise InvalidArgumentError(
                f"base path '{base}' of model '{self.name}' must hold one sub-folder for each "
                "version, named by its number, but is a SavedModel itself; move it into "
                f"'{base / '1'}'"
            )
        chosen = self.policy(found)
        return {version: found[version] for version in sorted(chosen)}
