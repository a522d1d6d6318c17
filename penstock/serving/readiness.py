"""Whether the server and its models answer, as probes of several protocols ask it."""

from collections.abc import Callable

from penstock.core.errors import OpError
from penstock.serving.call import ModelSpec
from penstock.serving.manager import Manager
from penstock.serving.served_version import AVAILABLE


class Readiness:
    """Asks a manager.

    Args:
        manager: has the models.
        is_stopping: true when the server takes no more requests.
    """

    def __init__(
        self, manager: Manager, is_stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self._manager = manager
        self._is_stopping = is_stopping

    def server(self) -> bool:
        """Whether each configured model has a version that answers."""
        if self._is_stopping():
            return False
        available = {name for name, _ in self._manager.available()}
        return all(name in available for name in self._manager.names())

    def available(self) -> list[tuple[str, int]]:
        """Name and version of each model that answers."""
        return list(self._manager.available())

    def model(self, spec: ModelSpec) -> bool:
        """Whether a model, or a version of it, answers; false also for what is not known."""
        if self._is_stopping():
            return False
        try:
            found = self._manager.status(spec)
        except OpError:
            return False
        return any(version.state == AVAILABLE for version in found)

    def of(self, name: str) -> bool | None:
        """Whether the server ("") or a model answers; `None` where there is no such model."""
        if not name:
            return self.server()
        return self.model(ModelSpec(name)) if self._manager.has(name) else None
