"""A call while the model computes, without a task of its own: the hot path of gRPC."""

import asyncio
from collections.abc import Callable

from penstock.serving.gateway import Opened
from penstock.serving.grpc.method import Respond
from penstock.serving.servable import Array, Arrays

Encode = Callable[[dict[str, Array]], bytes]


class Answering:
    """Runs a model for a call that was admitted, and answers it.

    Args:
        opened: the call; it is closed when the answer is out.
        respond: called once, unless the call is cancelled.
    """

    __slots__ = ("_cancel_run", "_encode", "_opened", "_respond")

    def __init__(self, opened: Opened, respond: Respond) -> None:
        self._opened = opened
        self._respond = respond
        self._encode: Encode | None = None
        self._cancel_run: Callable[[], object] | None = None

    def start(self, signature_name: str, inputs: Arrays, encode: Encode) -> None:
        """Begin to compute.

        Raises:
            OpError: the inputs do not fit, or the server is too busy.
        """
        self._encode = encode
        self._cancel_run = self._opened.start(signature_name, inputs, self._then)

    def _then(self, outputs: dict[str, Array] | None, error: Exception | None) -> None:
        answer: bytes | None = None
        failure: BaseException | None = error
        try:
            if error is None:
                assert outputs is not None
                assert self._encode is not None
                answer = self._encode(outputs)
        except Exception as failed:  # noqa: BLE001  (whoever responds tells it apart)
            failure = failed
        self._respond(answer, failure)
        # Whatever happens the version must not be held for ever.
        self._opened.close(failure)

    def cancel(self) -> None:
        """Stop: nobody waits for the answer any more."""
        if self._cancel_run is not None:
            self._cancel_run()
        self._opened.close(asyncio.CancelledError())
