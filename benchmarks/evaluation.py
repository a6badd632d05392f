"""What does the symbolic graph cost? One evaluation of loss and gradient against the same straight in TensorFlow.

The straight version calls TensorFlow's own operations on the same weights, pictures, layers and loss, in one
`tf.function` with `tf.gradients`. Both are timed alternately in one process.

    python -m benchmarks.evaluation [--width 256 --height 192 --repeats 40]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np

from benchmarks.common.measure import alternately, median_ratio
from benchmarks.common.report import Report, add_results_option
from nstcore import TransferConfig
from nstcore.system.quiet import quiet_tensorflow


def main() -> None:
    parser = argparse.ArgumentParser(description="Time one evaluation of VGG19 against a hand-written tf.function.")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--height", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--weights", default="imagenet")
    add_results_option(parser)
    options = parser.parse_args()
    quiet_tensorflow()

    from nstcore import build_objective

    random = np.random.default_rng(0)
    content, style = random.integers(0, 256, (2, options.height, options.width, 3), np.uint8)
    config = TransferConfig(
        style_normalization="gatys",
        size=max(options.height, options.width),
        weights=options.weights,
        total_variation_weight=1.0,
    )
    objective = build_objective(content, style, config)
    straight = straight_tensorflow(content, style, config)
    report = Report(
        "evaluation", "The symbolic graph against a hand-written tf.function, VGG19, float32", options.results
    )
    ours, theirs = objective(objective.x0), straight(objective.x0)
    x = objective.x0
    seconds = alternately({"ours": lambda: objective(x), "straight": lambda: straight(x)}, options.repeats)
    rows = [(name, f"{statistics.median(taken):.4f}", f"{min(taken):.4f}") for name, taken in seconds.items()]
    ratio = f"{median_ratio(seconds['ours'], seconds['straight']):.3f}"
    header = (f"{options.width} × {options.height}", "median, s", "fastest, s")
    report.table(header, [*rows, ("ours / straight, pair by pair", ratio, "")])
    cosine = f"{_cosine(ours[1], theirs[1]):.7f}"
    report.say(f"Loss: ours {ours[0]:.6e}, straight {theirs[0]:.6e}; cosine of the gradients {cosine}.")
    report.write()


def straight_tensorflow(
    content: np.ndarray, style: np.ndarray, config: TransferConfig
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """VGG19's loss (gatys normalisation, total variation "power") on plain TensorFlow operations."""
    import tensorflow as tf

    from nstcore.networks.extractor import pretrained_network

    settings = config.resolved()
    network, _ = pretrained_network("vgg19", config.weights)
    last = max(
        network.layers.index(network.get_layer(name)) for name in (*settings.style_layers, *settings.content_layers)
    )
    steps = [
        (layer.name, [tf.constant(array) for array in layer.get_weights()]) for layer in network.layers[1 : last + 1]
    ]

    def features(picture: tf.Tensor) -> dict[str, tf.Tensor]:
        x = picture[..., ::-1] - tf.constant([103.939, 116.779, 123.68])
        found = {}
        for name, arrays in steps:
            if arrays:
                x = tf.nn.relu(tf.nn.conv2d(x, arrays[0], 1, "SAME") + arrays[1])
            else:
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            found[name] = x
        return found

    def gram(x: tf.Tensor) -> tf.Tensor:
        matrix = tf.reshape(x, (-1, x.shape[-1]))
        return tf.matmul(matrix, matrix, transpose_a=True)

    as_batch = [tf.constant(picture[np.newaxis].astype(np.float32)) for picture in (content, style)]
    content_targets = {name: features(as_batch[0])[name] for name in settings.content_layers}
    grams = {name: gram(features(as_batch[1])[name]) for name in settings.style_layers}

    @tf.function(autograph=False)
    def value_and_gradient(picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = features(picture)
        total = sum(
            config.content_weight * 0.5 * tf.reduce_sum((found[name] - target) ** 2)
            for name, target in content_targets.items()
        )
        for name, target in grams.items():
            channels, positions = int(target.shape[0]), int(found[name].shape[1] * found[name].shape[2])
            scale = config.style_weight / len(grams) / (4 * channels**2 * positions**2)
            total += scale * tf.reduce_sum((gram(found[name]) - target) ** 2)
        down = picture[:, :-1, :-1] - picture[:, 1:, :-1]
        right = picture[:, :-1, :-1] - picture[:, :-1, 1:]
        total += config.total_variation_weight * tf.reduce_sum((down**2 + right**2) ** 1.25)
        return total, tf.gradients(total, picture)[0]

    def call(x: np.ndarray) -> tuple[float, np.ndarray]:
        total, gradient = value_and_gradient(tf.constant(x.astype(np.float32).reshape(1, *content.shape)))
        return float(total), gradient.numpy().astype(np.float64).ravel()

    return call


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


if __name__ == "__main__":
    main()
