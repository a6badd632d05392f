"""Counting: the floating-point operations of our loss and its gradient, from the layers of the network itself.

Convolutions forward, and backward for the gradient by their input; a Gram matrix forward and one product backward. What
is not counted (biases, activations, pooling, normalisation) is small beside them.

    python -m benchmarks.common.operations --backbone vgg19 --size 512
"""

from __future__ import annotations

import argparse
import json
import math

from nstcore import TransferConfig
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow


def operations(config: TransferConfig, height: int, width: int) -> float:
    """Multiplications and additions of one evaluation of loss and gradient."""
    import keras

    from nstcore.networks.extractor import pretrained_network

    config = config.resolved()
    network, _ = pretrained_network(config.backbone, config.weights)
    wanted = dict.fromkeys((*config.content_layers, *config.style_layers))
    used = keras.Model(network.input, [network.get_layer(name).output for name in wanted]).layers
    convolutions = [layer for layer in used if isinstance(layer, keras.layers.Conv2D)]
    layers = [*convolutions, *(network.get_layer(name) for name in config.style_layers)]
    sized = keras.Model(network.input, [layer.output for layer in layers])
    shapes = [tensor.shape for tensor in sized(keras.Input(batch_shape=(1, height, width, 3)))]

    total = 0.0
    for layer, shape in zip(convolutions, shapes, strict=False):
        total += 2 * 2 * math.prod(layer.kernel.shape) * shape[1] * shape[2]
    for _, rows, columns, channels in shapes[len(convolutions) :]:
        total += 2 * 2 * rows * columns * channels**2
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description="Count the operations of an evaluation.")
    parser.add_argument("--backbone", default="vgg19")
    parser.add_argument("--size", type=int, default=512, help="width; the height is 3/4 of it")
    options = parser.parse_args()
    quiet_tensorflow()
    import_keras_quietly()
    config = TransferConfig(backbone=options.backbone, size=options.size)
    print(json.dumps(operations(config, options.size * 3 // 4, options.size)))


if __name__ == "__main__":
    main()
