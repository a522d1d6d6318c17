"""Writes training.json: optimizer updates as TensorFlow computes them. Run with TensorFlow."""

import json
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

KINDS = [
    "GradientDescent",
    "Momentum",
    "KerasMomentum",
    "Adam",
    "AdamWithAmsgrad",
    "AdaMax",
    "Adagrad",
    "AdagradV2",
    "AdagradDA",
    "Adadelta",
    "RMSProp",
    "CenteredRMSProp",
    "Ftrl",
    "FtrlV2",
    "ProximalGradientDescent",
    "ProximalAdagrad",
    "AddSign",
    "PowerSign",
]
SCALARS = {
    "alpha": 0.1, "lr": 0.1, "momentum": 0.9, "beta1_power": 0.81, "beta2_power": 0.98,
    "beta1": 0.9, "beta2": 0.99, "epsilon": 0.01, "rho": 0.9, "l1": 0.05, "l2": 0.2,
    "l2_shrinkage": 0.3, "lr_power": -0.5, "sign_decay": 0.9, "beta": 0.8, "logbase": 0.7,
}  # fmt: skip
VARIABLES = {
    "var", "accum", "m", "v", "vhat", "linear", "ms", "mg", "mom", "accum_update",
    "gradient_accumulator", "gradient_squared_accumulator",
}  # fmt: skip
FLAGS = ("use_nesterov", "update_slots", "multiply_linear_by_lr")


def case(name, changes, attrs):
    rng = np.random.default_rng(7)
    sparse = "Sparse" in name
    function = getattr(tf.raw_ops, name)
    parameters = re.findall(r"\w+", str(function.__signature__))
    inputs = {}
    for parameter in function.__signature__.parameters:
        if parameter in VARIABLES:
            low = -1.0 if parameter in ("var", "m", "linear", "mom", "mg") else 0.1
            value = rng.uniform(low, 1.0, (4, 2)).round(3)
            if parameter == "mg":
                value = value * 0.1  # its square must stay below ms
            if parameter == "ms":
                value = value + 0.1
            inputs[parameter] = value.tolist()
        elif parameter in ("grad", "delta"):
            shape = (3, 2) if sparse else (4, 2)
            inputs[parameter] = rng.uniform(-1, 1, shape).round(3).tolist()
        elif parameter == "indices":
            inputs[parameter] = [2, 0, 2]
        elif parameter == "global_step":
            inputs[parameter] = 3
        elif parameter in SCALARS:
            inputs[parameter] = SCALARS[parameter]
    inputs.update({key: value for key, value in changes.items() if key in parameters})
    made, kwargs = {}, {}
    for key, value in inputs.items():
        if key in VARIABLES:
            made[key] = tf.Variable(np.array(value, np.float32))
            kwargs[key] = made[key].handle
        elif key == "indices":
            kwargs[key] = tf.constant(value, tf.int32)
        elif key == "global_step":
            kwargs[key] = tf.constant(value, tf.int64)
        else:
            kwargs[key] = tf.constant(value, tf.float32)
    function(**kwargs, **attrs)
    after = {key: value.numpy().astype(float).round(7).tolist() for key, value in made.items()}
    return {"op": name, "inputs": inputs, "attrs": attrs, "after": after}


def main():
    cases = []
    for kind in KINDS:
        for name in (f"ResourceApply{kind}", f"ResourceSparseApply{kind}"):
            if not hasattr(tf.raw_ops, name):
                continue
            known = getattr(tf.raw_ops, name).__signature__.parameters
            cases.append(case(name, {}, {}))
            flags = [flag for flag in FLAGS if flag in known]
            cases += [case(name, {}, {flag: not known[flag].default}) for flag in flags]
            if "l1" in known:
                cases.append(case(name, {"l1": 0.0, "lr_power": -0.7}, {}))
    place = Path(__file__).with_name("training.json")
    lines = ",\n".join(json.dumps(each) for each in cases)
    place.write_text(f'{{"tensorflow": "{tf.__version__}", "cases": [\n{lines}\n]}}\n')


main()
