"""REST answers about signatures. Expected: protobuf's JSON form of TensorFlow's messages."""

import json

import numpy as np

from penstock.serving.protocols.rest import encode_metadata
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import tensor


def test_defaults_stand_beside_the_signatures_that_have_them():
    x = tensor("float32", None)
    signatures = {
        "plain": SignatureSpec({"x": x}, {"y": x}),
        "filled": SignatureSpec({"x": x}, {"y": x}, defaults={"x": np.float32([1.5, 2])}),
    }

    answer = json.loads(encode_metadata("m", 3, signatures))

    assert answer["model_spec"] == {"name": "m", "signature_name": "", "version": "3"}
    found = answer["metadata"]["signature_def"]["signature_def"]
    assert found["plain"]["defaults"] == {}
    default = found["filled"]["defaults"]["x"]
    assert default["dtype"] == "DT_FLOAT"
    assert default["float_val"] == [1.5, 2.0]
    assert default["tensor_shape"]["dim"] == [{"size": "2", "name": ""}]
