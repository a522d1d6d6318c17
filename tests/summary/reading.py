"""Event files as tests look at them."""

from pathlib import Path

from penstock.wire.events import read_events
from penstock.wire.tensors import make_ndarray


def events(folder):
    """All events below a folder but the first of each file, which only names the format."""
    found = []
    for path in sorted(Path(folder).rglob("events.out.tfevents.*")):
        first, *rest = read_events(path)
        assert first.file_version == "brain.Event:2"
        found += rest
    return found


def values(folder):
    """Step, tag, plugin and tensor of every summary."""
    return [
        (
            event.step,
            value.tag,
            value.metadata.plugin_data.plugin_name,
            make_ndarray(value.tensor),
        )
        for event in events(folder)
        for value in event.summary.value
    ]
