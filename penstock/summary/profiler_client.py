"""`tf.profiler.experimental.client`: profiling a process that has a profiler server."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import UnimplementedError


def trace(
    service_addr: str,
    logdir: str,
    duration_ms: int,
    worker_list: str = "",
    num_tracing_attempts: int = 3,
    options: Any = None,
) -> None:
    """Profile another process, which TensorBoard's profile page does.

    Raises:
        UnimplementedError: always; there is no client here.
    """
    del logdir, duration_ms, worker_list, num_tracing_attempts, options
    raise UnimplementedError(
        f"tf.profiler.experimental.client.trace is not implemented; capture the profile of "
        f"'{service_addr}' with TensorBoard"
    )


def monitor(service_addr: str, duration_ms: int, level: int = 1) -> str:
    """Watch another process, which TensorBoard's profile page does.

    Raises:
        UnimplementedError: always; there is no client here.
    """
    del duration_ms, level
    raise UnimplementedError(
        f"tf.profiler.experimental.client.monitor is not implemented; watch '{service_addr}' "
        "with TensorBoard"
    )
