"""Clients of model servers: TF Serving's REST and gRPC, and the Open Inference Protocol.

They need numpy and nothing of the tensor machine, so a program that only asks starts at once.
"""

from penstock.serving.client.client import PROTOCOLS, AsyncClient, Client
from penstock.serving.client.retries import RetryPolicy
from penstock.serving.client.tls import Tls

__all__ = ["PROTOCOLS", "AsyncClient", "Client", "RetryPolicy", "Tls"]
