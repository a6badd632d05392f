"""Asked by `test_options_on_backends.py` on every backend: the fields of `TransferConfig`, on each of the backbones.

Of several options at a time that do not get into each other's way: loss and gradient beside the start, and the losses
of a short run. The grid of `tests/tasks/test_every_option.py` has the same options as cases.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nstcore import TransferConfig, build_objective, style_transfer
from nstcore.networks.backbones import get_backbone

#: In place of a size: that of the backbone's smallest side.
SMALLEST = "smallest"
#: The backbones but VGG19, whose layers that are read here are those of VGG16.
COMPARED = ("vgg16", "resnet50", "inceptionv3")
#: Options that are set together.
TOGETHER: dict[str, dict[str, Any]] = {
    "a descent": {
        "pooling": "avg",
        "style_normalization": "gatys",
        "style_layer_weights": (0.25, 0.75),
        "content_weight": 1e-3,
        "style_weight": 2.0,
        "total_variation": "squared",
        "total_variation_weight": 1e-3,
        "init": "noise",
        "seed": 3,
        "pixel_range": "free",
        "optimizer": "sgd",  # steps of Adam follow signs, also of gradients that are next to none
        "optimizer_settings": {"decay_rate": 0.5, "decay_steps": 1, "momentum": 0.5},
        "time_limit": 3600.0,
    },
    "frequencies": {
        "parametrization": "fourier",
        "fourier_exponent": 1.0,
        "fourier_colors": "decorrelated",
        "losses": {"gram": {"shift": -1.0}, "content": {"softmax": True}},
        "color": "match",
        "init": "style-colors",
        "init_noise": 0.25,
        "stop_change": 0.99,
        "stop_over": 1,
    },
    "another network": {
        "content_backbone": "mobilenet",
        "content_layers": ("conv1_relu",),
        "padding": "reflect",
        "pooling": "l2",
        "optimizer": "lbfgs",
        "optimizer_settings": {"restart_every": 1},
    },
    "short numbers": {"precision": "bfloat16", "style_scale": 1.25, "coarse_sizes": SMALLEST, "iterations": 5},
}


def configured(backbone: str, options: dict[str, Any]) -> TransferConfig:
    """Options on a backbone: small pictures, random weights, and the first layers, which are compiled soon."""
    known = get_backbone(backbone)
    layers = known.style_layers[:2]
    base = {
        "backbone": backbone,
        "weights": "random",
        "size": known.smallest_side + 6,
        "iterations": 2,
        "coarse_sizes": (),
        "style_layers": layers,
        "content_layers": layers[1:],
    }
    if options.get("coarse_sizes") == SMALLEST:
        options = {**options, "coarse_sizes": (known.smallest_side,)}
    return TransferConfig(**{**base, **options})


def pictures(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Content, style and noise; all of the longest side, with structures of an eighth of it."""
    random = np.random.default_rng(7)
    coarse = random.uniform(0, 255, (2, 8, 8, 3))
    places = np.arange(side) * 8 // side
    content, style = coarse[:, places][:, :, places].astype(np.uint8)
    return content, style, random.normal(scale=20, size=content.shape)


def answers() -> dict[str, object]:
    found: dict[str, object] = {}
    for backbone in COMPARED:
        for name, options in TOGETHER.items():
            config = configured(backbone, options)
            content, style, noise = pictures(config.size)
            objective = build_objective(content, style, config)
            x = objective.x0 + (noise.ravel() if config.parametrization == "pixels" else 0.0)
            loss, gradient = objective(x)
            run = style_transfer(content, style, config)
            found |= {
                f"{backbone}/{name}/loss": loss,
                f"{backbone}/{name}/gradient": gradient,
                f"{backbone}/{name}/run": [iterate.total for iterate in run.trace],
            }
    return found
