"""Tells the ops that save and restore where checkpoints are read and written."""

from __future__ import annotations

import importlib

from penstock.ops.checkpoint_files import use_wire

use_wire(lambda: importlib.import_module("penstock.wire.bundle"))
