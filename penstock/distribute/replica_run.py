"""Runs the code of several replicas, each on a thread of its own, one at a time.

A replica runs until it ends or meets the others: then the next one runs. When all have come to
the meeting, what they brought is put together and each goes on with its share. So the replicas
take turns at the same places in every run, also while a graph is built.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from penstock.runtime.context import state

# Takes what the replicas bring, and gives what each of them goes on with.
Meeting = Callable[[Sequence[Any]], Sequence[Any]]


class _CancelledError(BaseException):
    """Ends a replica whose fellow failed."""


class Replica(threading.Thread):
    """The code of one replica.

    Args:
        number: number of the replica.
        function: what it runs.
        context: context in which it runs.
    """

    def __init__(
        self,
        number: int,
        function: Callable[[], Any],
        context: Callable[[Replica], AbstractContextManager[Any]],
    ) -> None:
        super().__init__(name=f"replica-{number}", daemon=True)
        self.number = number
        self.ended = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.brought: tuple[Meeting, Any] | None = None
        self.share: Any = None
        self._function = function
        self._context = context
        self._state = dict(vars(state))
        self._graph = state.graph
        self._turn = threading.Semaphore(0)
        self._paused = threading.Semaphore(0)
        self._cancelled = False

    def run(self) -> None:
        """Run the code; called on the thread."""
        self._turn.acquire()
        try:
            if not self._cancelled:
                # What is in force where the replicas were started is in force in each.
                vars(state).update(self._state)
                state.replica_context = self.number
                with self._context(self):
                    self.result = self._function()
        except BaseException as error:  # noqa: BLE001  (raised again by `run_replicas`)
            self.error = error
        finally:
            self.ended = True
            self._paused.release()

    def advance(self) -> None:
        """Let the replica run until it ends or meets the others."""
        self._turn.release()
        self._paused.acquire()
        if self.error is not None:
            raise self.error

    def meet(self, meeting: Meeting, brought: Any) -> Any:
        """Wait for the other replicas, and return this one's share; called on the thread.

        Raises:
            RuntimeError: a graph is being built that the replicas did not start in.
        """
        if state.graph is not self._graph:
            raise RuntimeError(
                "replicas can only meet in the graph in which strategy.run was called, not "
                "inside of a branch, loop or function within their code"
            )
        self.brought = meeting, brought
        self._paused.release()
        self._turn.acquire()
        if self._cancelled:
            raise _CancelledError
        share, self.share = self.share, None
        return share

    def cancel(self) -> None:
        """End the code at the place where it waits."""
        if not self.ended:
            self._cancelled = True
            self._turn.release()
            self._paused.acquire()
        self.join()


def run_replicas(
    count: int,
    function: Callable[[int], Any],
    context: Callable[[Replica], AbstractContextManager[Any]],
) -> list[Any]:
    """Run `function(number)` for every replica and return the results.

    Raises:
        RuntimeError: some replicas met, and others ended.
    """
    replicas = [
        Replica(number, lambda number=number: function(number), context)  # type: ignore[misc]
        for number in range(count)
    ]
    for replica in replicas:
        replica.start()
    try:
        while True:
            for replica in replicas:
                replica.advance()
            if all(replica.ended for replica in replicas):
                return [replica.result for replica in replicas]
            if any(replica.ended for replica in replicas):
                raise RuntimeError(
                    "every replica must meet the others as often, got some that ended before"
                )
            _hold_meeting(replicas)
    finally:
        for replica in replicas:
            replica.cancel()


def _hold_meeting(replicas: Sequence[Replica]) -> None:
    brought = [replica.brought for replica in replicas]
    meetings = [each[0] for each in brought if each is not None]
    shares = meetings[0]([each[1] for each in brought if each is not None])
    for replica, share in zip(replicas, shares, strict=True):
        replica.share, replica.brought = share, None
