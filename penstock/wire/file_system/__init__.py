"""Files by their names: local ones, and those of other schemes through fsspec.

Errors are TensorFlow's, told by the name of the file.
"""

from penstock.wire.file_system.interface import FileStatistics, FileSystem
from penstock.wire.file_system.local import LocalFileSystem
from penstock.wire.file_system.schemes import (
    as_path,
    check_absent,
    copy,
    file_system_of,
    registered_schemes,
    rename,
)

__all__ = [
    "FileStatistics",
    "FileSystem",
    "LocalFileSystem",
    "as_path",
    "check_absent",
    "copy",
    "file_system_of",
    "registered_schemes",
    "rename",
]
