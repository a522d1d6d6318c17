"""Train with optimizers that keep slots, save with tf.train.Checkpoint, or restore.

Usage: slots_checkpoint.py {penstock,tensorflow} {save,restore} PREFIX OUTPUT.npz

Writes the values of all slots, as they were saved or are after restoring.
"""

import importlib
import sys

import numpy as np

tf = importlib.import_module(sys.argv[1])
if sys.argv[1] == "penstock":
    tf.install_as_tensorflow()

keras = importlib.import_module("keras")
v1 = tf.compat.v1.train
SLOTS = {
    "adam": (v1.AdamOptimizer, ("m", "v")),
    "momentum": (lambda rate: v1.MomentumOptimizer(rate, 0.9), ("momentum",)),
    "adagrad": (v1.AdagradOptimizer, ("accumulator",)),
    "rmsprop": (
        lambda rate: v1.RMSPropOptimizer(rate, centered=True, momentum=0.5),
        ("rms", "mg", "momentum"),
    ),
    "ftrl": (v1.FtrlOptimizer, ("accum", "linear")),
    "adadelta": (v1.AdadeltaOptimizer, ("accum", "accum_update")),
}
KERAS = {
    "k_adam": lambda: keras.optimizers.Adam(0.1, amsgrad=True),
    "k_sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "k_nadam": lambda: keras.optimizers.Nadam(0.1),
    "k_rmsprop": lambda: keras.optimizers.RMSprop(0.1, momentum=0.4, centered=True),
}


class Trained(tf.Module):
    """A variable of its own for each optimizer, and the optimizer."""

    def __init__(self):
        super().__init__()
        self.weights, self.by_slot, self.by_keras = {}, {}, {}
        for name, (make, _) in SLOTS.items():
            self.weights[name] = tf.Variable([[1.0, -2.0], [3.0, 0.5]])
            self.by_slot[name] = make(0.1)
        for name, make in KERAS.items():
            self.weights[name] = keras.Variable([[1.0, -2.0], [3.0, 0.5]])
            self.by_keras[name] = make()

    def step(self, scale):
        for name, optimizer in self.by_slot.items():
            w = self.weights[name]
            optimizer.minimize(lambda w=w: tf.reduce_sum(w * w * scale), var_list=[w])
        for name, optimizer in self.by_keras.items():
            w = self.weights[name]
            gradient = tf.convert_to_tensor(w) * (2.0 * scale)
            optimizer.apply([gradient], [w])

    def values(self):
        found = {f"weights/{name}": np.array(w) for name, w in self.weights.items()}
        for name, optimizer in self.by_slot.items():
            for slot in SLOTS[name][1]:
                value = optimizer.get_slot(self.weights[name], slot)
                found[f"{name}/{slot}"] = np.array(value)
        for name, optimizer in self.by_keras.items():
            for number, variable in enumerate(optimizer.variables):
                found[f"{name}/{number} {variable.path.split('/')[-1]}"] = np.array(variable)
        return found


def main(command, prefix, output):
    trained = Trained()
    checkpoint = tf.train.Checkpoint(root=trained)
    if command == "save":
        for scale in (0.5, 0.25):
            trained.step(scale)
        checkpoint.write(prefix)
        values = trained.values()
    else:
        # Slots of Keras are made first; the others when they are restored or first used.
        for name, optimizer in trained.by_keras.items():
            optimizer.build([trained.weights[name]])
        status = checkpoint.read(prefix)
        values = trained.values()
    trained.step(0.125)
    if command == "restore":
        # What all variables share is made by the first step.
        status.assert_consumed()
    after = {f"after/{key}": value for key, value in trained.values().items()}
    np.savez(output, **values, **after)


if __name__ == "__main__":
    main(*sys.argv[2:])
