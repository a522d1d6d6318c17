"""`tf.distribute.experimental.rpc`: functions that TensorFlow servers serve each other."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import UnimplementedError

__all__ = ["Client", "Server"]


def _refuse(name: str) -> Any:
    raise UnimplementedError(
        f"tf.distribute.experimental.rpc.{name} speaks a protocol of TensorFlow's C++ runtime; "
        "penstock serves models by `penstock serve`"
    )


class Server:
    """A server of functions: not implemented.

    Source: `tf.distribute.experimental.rpc.Server`.
    """

    @staticmethod
    def create(rpc_layer: str, address: str) -> Server:
        """Raise `UnimplementedError`.

        Args:
            rpc_layer: accepted for compatibility.
            address: accepted for compatibility.
        """
        del rpc_layer, address
        server: Server = _refuse("Server.create")
        return server

    def register(self, method_name: str, func: Any) -> None:
        """Serve a function under a name."""
        del method_name, func
        _refuse("Server.register")

    def start(self) -> None:
        """Begin to serve."""
        _refuse("Server.start")


class Client:
    """A client of such a server: not implemented.

    Source: `tf.distribute.experimental.rpc.Client`.
    """

    @staticmethod
    def create(rpc_layer: str, address: str, name: str = "", timeout_in_ms: int = 0) -> Client:
        """Raise `UnimplementedError`.

        Args:
            rpc_layer: accepted for compatibility.
            address: accepted for compatibility.
            name: accepted for compatibility.
            timeout_in_ms: accepted for compatibility.
        """
        del rpc_layer, address, name, timeout_in_ms
        client: Client = _refuse("Client.create")
        return client

    def call(
        self,
        method_name: str,
        args: Any = None,
        output_specs: Any = None,
        timeout_in_ms: int = 0,
    ) -> Any:
        """Call a function of the server."""
        del method_name, args, output_specs, timeout_in_ms
        return _refuse("Client.call")
