"""All gRPC services of a server, put together."""

from penstock.serving.gateway import Gateway
from penstock.serving.grpc.health import SERVICE as HEALTH_SERVICE
from penstock.serving.grpc.health import HealthApi
from penstock.serving.grpc.inference import INFERENCE_SERVICE, InferenceApi
from penstock.serving.grpc.method import Methods
from penstock.serving.grpc.prediction import (
    MODEL_SERVICE,
    PREDICTION_SERVICE,
    PredictionApi,
)
from penstock.serving.grpc.reflection import ReflectionApi
from penstock.serving.readiness import Readiness

SERVICES = (PREDICTION_SERVICE, MODEL_SERVICE, INFERENCE_SERVICE, HEALTH_SERVICE)


def all_methods(
    gateway: Gateway,
    readiness: Readiness,
    *,
    as_content: bool = False,
) -> Methods:
    """Return the methods of all services by their paths.

    Args:
        gateway: the way to the models.
        readiness: tells whether server and models answer.
        as_content: whether predict answers go out as raw bytes in `tensor_content`.
    """
    return {
        **PredictionApi(gateway, as_content=as_content).methods(),
        **InferenceApi(gateway, readiness).methods(),
        **HealthApi(readiness.of, SERVICES).methods(),
        **ReflectionApi(SERVICES).methods(),
    }
