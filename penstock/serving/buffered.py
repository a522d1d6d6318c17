"""Memory that requests take while they arrive, of all connections together."""


class Buffered:
    """Bytes that wait in memory for the rest of their requests, over all connections."""

    __slots__ = ("limit", "size")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
