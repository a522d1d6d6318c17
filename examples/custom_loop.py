"""A training loop of one's own: tf.function, GradientTape, an optimizer, a metric.

    python examples/custom_loop.py

It fits a line through noisy points and prints what it found.
"""

import penstock as tf


def main():
    x = tf.random.stateless_normal([512, 1], seed=(1, 2))
    noise = 0.1 * tf.random.stateless_normal([512, 1], seed=(3, 4))
    data = tf.data.Dataset.from_tensor_slices((x, 3.0 * x - 1.0 + noise))
    data = data.shuffle(512, seed=5).batch(64)

    slope, offset = tf.Variable(0.0), tf.Variable(0.0)
    optimizer = tf.keras.optimizers.SGD(0.1)
    optimizer.build([slope, offset])
    mean_loss = tf.keras.metrics.Mean()

    @tf.function
    def step(inputs, targets):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(slope * inputs + offset - targets))
        gradients = tape.gradient(loss, [slope, offset])
        optimizer.apply_gradients(zip(gradients, [slope, offset], strict=True))
        return loss

    for epoch in range(1, 6):
        mean_loss.reset_state()
        for inputs, targets in data:
            mean_loss.update_state(step(inputs, targets))
        print(f"epoch {epoch}: loss {mean_loss.result().numpy():.4f}")
    print(f"y = {slope.numpy():.2f} x {offset.numpy():+.2f}")


if __name__ == "__main__":
    main()
