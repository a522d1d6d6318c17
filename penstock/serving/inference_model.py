"""A model as the Open Inference Protocol describes it: one set of inputs and outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.serving.call import ModelSpec
from penstock.serving.manager import Manager
from penstock.serving.protocols.inference import pick_signature
from penstock.serving.servable import SignatureSpec
from penstock.serving.served_version import AVAILABLE


@dataclass(frozen=True, slots=True)
class DescribedModel:
    """What a model takes and gives.

    Args:
        versions: that answer, rising.
        number: of the version that is described.
        signature: that requests are for which name none.
    """

    versions: Sequence[int]
    number: int
    signature: SignatureSpec


def find_model(
    manager: Manager, spec: ModelSpec, parameters: Mapping[str, Any] | None = None
) -> DescribedModel:
    """Return the description of a model that answers.

    Raises:
        NotFoundError: it is not served.
        InvalidArgumentError: it has several signatures and none is the default.
    """
    with manager.acquire(spec) as version:
        servable = version.engine.servable
        signature = servable.signatures[pick_signature(servable, parameters or {})]
        number = version.number
    states = manager.status(ModelSpec(spec.name))
    versions = sorted(each.version for each in states if each.state == AVAILABLE)
    return DescribedModel(versions, number, signature)
