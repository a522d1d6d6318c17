"""Memory of accelerators in the metrics."""

from dataclasses import dataclass

from penstock.core import metrics
from penstock.serving import device_metrics


@dataclass
class Device:
    """Stands for a device of XLA."""

    stats: dict | None

    def memory_stats(self):
        return self.stats


def test_each_accelerator_tells_its_memory():
    metrics.DEVICE_MEMORY.clear()
    full = {"bytes_in_use": 5, "peak_bytes_in_use": 7, "bytes_limit": 10, "num_allocs": 1}
    devices = {"GPU": [Device(full), Device({"bytes_in_use": 3})], "TPU": [Device(None)]}

    device_metrics.observe(devices.__getitem__)

    found = {values: cell.value() for values, cell in metrics.DEVICE_MEMORY.collect()}
    assert found == {
        ("GPU:0", "in_use"): 5,
        ("GPU:0", "peak"): 7,
        ("GPU:0", "limit"): 10,
        ("GPU:1", "in_use"): 3,
    }


def test_a_machine_without_one_has_no_such_metrics():
    metrics.DEVICE_MEMORY.clear()

    device_metrics.observe(lambda kind: ())

    assert metrics.DEVICE_MEMORY.collect() == []
