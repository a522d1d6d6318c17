"""Tells the summary ops where messages and files come from."""

from __future__ import annotations

import importlib

from penstock.ops.summary import use_wire

# Imported when a summary is first written: few programs do, and its messages take their time.
use_wire(lambda: importlib.import_module("penstock.wire.summaries"))
