"""Saves the same model again and again, until it is killed.

Reads lines `kind folder first`; for each it forks, so that the imports are paid for once, and
answers with the process id. The child writes the number of each save that is done to the file
`done` of the folder.
"""

import os
import sys
from pathlib import Path

import penstock as tf

SHAPES = ([300], [40, 50], [], [7, 11, 13])


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.parts = [tf.Variable(tf.zeros(shape)) for shape in SHAPES]

    def fill(self, number):
        for part in self.parts:
            part.assign(tf.fill(part.shape, float(number)))

    @tf.function(input_signature=[])
    def total(self):
        return [tf.identity(part) for part in self.parts]


def saver(kind, folder, model):
    if kind == "saved_model":
        return lambda: tf.saved_model.save(model, f"{folder}/model")
    checkpoint = tf.train.Checkpoint(model=model)
    if kind == "checkpoint":
        return lambda: checkpoint.write(f"{folder}/ckpt")
    manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=2, keep_best=1)
    if manager.latest_checkpoint is not None:
        checkpoint.restore(manager.latest_checkpoint)
    return lambda: manager.save(metric=float(model.parts[2]))


def save_forever(kind, folder, number):
    model = Model()
    save = saver(kind, folder, model)
    done = os.open(f"{folder}/done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        number += 1
        model.fill(number)
        save()
        os.write(done, f"{number}\n".encode())


def main():
    for line in sys.stdin:
        kind, folder, number = line.split()
        child = os.fork()
        if child == 0:
            save_forever(kind, Path(folder), int(number))
        print(child, flush=True)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
