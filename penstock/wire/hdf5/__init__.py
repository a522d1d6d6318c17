"""HDF5 files, as far as their structure goes: what lies where, and whether it can be."""

from penstock.wire.hdf5.apart import read_any_structure as read_any_structure
from penstock.wire.hdf5.source import UnfamiliarError as UnfamiliarError
from penstock.wire.hdf5.structure import Dataset as Dataset
from penstock.wire.hdf5.structure import Structure as Structure
from penstock.wire.hdf5.structure import read_structure as read_structure

__all__ = ["Dataset", "Structure", "UnfamiliarError", "read_any_structure", "read_structure"]
