"""Asked by `feedforward/test_network.py` on every backend: what small networks give, and its gradient."""

from __future__ import annotations

import numpy as np
from keras import ops

from nstcore import backend
from nstcore.feedforward.application import stylize_unrounded
from nstcore.feedforward.network import NetworkSettings, build_network
from nstcore.keras_settings.numerics import own_numerics

NETWORKS = {
    "nearest": NetworkSettings(4, 1, (2, 2), "nearest"),
    "transposed": NetworkSettings(3, 1, (2, 3), "transposed"),
}


def answers() -> dict[str, object]:
    random = np.random.RandomState(3)
    pictures = random.uniform(0, 255, (2, 16, 17, 3)).astype(np.float32)
    weights = random.normal(size=pictures.shape).astype(np.float32)
    found: dict[str, object] = {"pictures": pictures, "weights": weights}
    for name, settings in NETWORKS.items():
        network = build_network(settings, 5)

        def weighed(x, weights, network=network):
            given = network(x, training=False)
            return ops.sum(given * weights, axis=(1, 2, 3)), given

        with own_numerics():
            _, given, gradient = backend.compiled(backend.differentiate(weighed))(
                *backend.on_device((pictures, weights))
            )
        found[f"{name}/given"], found[f"{name}/gradient"] = backend.to_host(given), backend.to_host(gradient)
        picture = pictures[0].astype(np.uint8)
        for bands in ("never", 8):  # of one height: JAX compiles each by itself
            found[f"{name}/bands-{bands}"] = stylize_unrounded(network, picture, bands=bands)
        network.get_layer("conv_out").bias.assign([0.1, 0.2, 0.3])  # as a step of training does
        found[f"{name}/changed"] = stylize_unrounded(network, picture, bands="never")
    return found
