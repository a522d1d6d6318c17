"""Devices by name."""

import pytest

import penstock as tf
from penstock.runtime import devices


def test_the_cpu_answers_to_more_names_only_where_programs_started_afresh(monkeypatch):
    monkeypatch.setattr(devices._CpuNames, "count", 1)
    monkeypatch.setattr(devices._CpuNames, "may_change", False)
    made = len(devices.devices_of_kind("CPU"))
    float(tf.constant(1.0) + 1.0)
    with pytest.raises(RuntimeError, match="after being initialized"):
        devices.split_cpu(made + 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be one of this machine"):
        devices.device_for(f"CPU:{made}")

    devices.let_devices_change()
    devices.split_cpu(made + 1)

    assert devices.count_of_kind("CPU") == made + 1
    assert devices.device_for(f"CPU:{made}") is devices.device_for("CPU:0")
    devices.device_for.cache_clear()
