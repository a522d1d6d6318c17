"""Names of devices, such as `/job:worker/task:3/device:GPU:0`."""

from __future__ import annotations

from typing import Any

# Only these may stand without the word `device`, as in `/gpu:0`.
_SHORT_TYPES = frozenset({"CPU", "GPU", "TPU"})


class DeviceSpec:
    """Parts of the name of a device; a part that is `None` is left open.

    Example:
        >>> DeviceSpec.from_string("/job:worker/gpu:1").to_string()
        '/job:worker/device:GPU:1'

    Source: `tf.DeviceSpec`.
    """

    __slots__ = ("_device_index", "_device_type", "_job", "_replica", "_task")

    def __init__(
        self,
        job: Any = None,
        replica: Any = None,
        task: Any = None,
        device_type: Any = None,
        device_index: Any = None,
    ) -> None:
        self._job = None if job is None else str(job)
        self._replica = None if replica is None else int(replica)
        self._task = None if task is None else int(task)
        self._device_type = None if device_type is None else str(device_type).upper()
        self._device_index = None if device_index is None else int(device_index)

    @classmethod
    def from_string(cls, spec: str | None) -> DeviceSpec:
        """Read a name; short forms such as `cpu:0` are understood.

        Raises:
            ValueError: the text has an unknown part, or two device types.
        """
        return cls(**_parse(spec or ""))

    @property
    def job(self) -> str | None:
        """Name of the job."""
        return self._job

    @property
    def replica(self) -> int | None:
        """Number of the replica in the job."""
        return self._replica

    @property
    def task(self) -> int | None:
        """Number of the task in the job."""
        return self._task

    @property
    def device_type(self) -> str | None:
        """Kind of device in capitals, such as `GPU`."""
        return self._device_type

    @property
    def device_index(self) -> int | None:
        """Number among the devices of that kind."""
        return self._device_index

    def to_string(self) -> str:
        """Return the name in its full form; `*` stands for an open number."""
        text = "" if self._job is None else f"/job:{self._job}"
        text += "" if self._replica is None else f"/replica:{self._replica}"
        text += "" if self._task is None else f"/task:{self._task}"
        if self._device_type is not None:
            index = "*" if self._device_index is None else self._device_index
            text += f"/device:{self._device_type}:{index}"
        return text

    def make_merged_spec(self, dev: DeviceSpec) -> DeviceSpec:
        """Return this name with the parts that `dev` states in place of its own."""
        stated = {name: value for name, value in dev._parts().items() if value is not None}
        return self.replace(**stated)

    def replace(self, **kwargs: Any) -> DeviceSpec:
        """Return this name with other parts; `None` opens one."""
        return DeviceSpec(**{**self._parts(), **kwargs})

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Read a name; nothing of this one is used."""
        return self.from_string(spec)

    def _parts(self) -> dict[str, Any]:
        return {name[1:]: getattr(self, name) for name in DeviceSpec.__slots__}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        parts = self._parts()
        order = ("job", "replica", "task", "device_type", "device_index")
        return f"<DeviceSpec({', '.join(f'{name}={parts[name]}' for name in order)})>"

    def __reduce__(self) -> Any:
        return DeviceSpec.from_string, (self.to_string(),)


def _parse(text: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for piece in text.split("/"):
        words = piece.split(":")
        if words[0] in ("job", "replica", "task") and len(words) == 2:
            parts[words[0]] = words[1]
        elif piece:
            kind, index = _device_of(words, text)
            if "device_type" in parts:
                raise ValueError(
                    "Multiple device types are not allowed while parsing the device spec: "
                    f"{text}."
                )
            parts["device_type"] = kind
            if index != "*":
                parts["device_index"] = index
    return parts


def _device_of(words: list[str], text: str) -> tuple[str, str]:
    if len(words) == 3 and words[0] == "device":
        return words[1], words[2]
    if len(words) <= 2 and words[0].upper() in _SHORT_TYPES:
        return words[0], words[1] if len(words) == 2 else "*"
    raise ValueError(
        f"Unknown attribute '{words[0]}' is encountered while parsing the device spec: "
        f"'{text}'."
    )


def canonical_name(device: DeviceSpec | str | None) -> str:
    """Return the full form of a name, and an empty text for `None`."""
    return (
        device if isinstance(device, DeviceSpec) else DeviceSpec.from_string(device)
    ).to_string()
