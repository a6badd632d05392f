"""The common loss straight in torch, eager, as one would write it by hand; weights and preprocessing are ours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from nstcore import TransferConfig

_MEAN_BGR = (103.939, 116.779, 123.68)


def torch_loss(
    content: np.ndarray, style: np.ndarray, config: TransferConfig
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """VGG19's loss ("gatys" normalisation, no total variation): a flat vector to loss and flat gradient.

    It computes on a CUDA device if there is one.
    """
    from nstcore.networks.extractor import pretrained_network

    settings = config.resolved()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network, _ = pretrained_network("vgg19", settings.weights)
    wanted = {*settings.content_layers, *settings.style_layers}
    steps = _convolutions(network, wanted, device)
    mean = torch.tensor(_MEAN_BGR, device=device).reshape(1, 3, 1, 1)

    def features(picture: torch.Tensor) -> dict[str, torch.Tensor]:
        x = picture.flip(1) - mean
        found = {}
        for name, kernel, bias in steps:
            x = (
                functional.max_pool2d(x, 2)
                if kernel is None
                else torch.relu(functional.conv2d(x, kernel, bias, padding=1))
            )
            if name in wanted:
                found[name] = x
        return found

    def as_picture(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array[np.newaxis].astype(np.float32)).to(device).permute(0, 3, 1, 2).contiguous()

    with torch.no_grad():
        content_targets = {name: features(as_picture(content))[name] for name in settings.content_layers}
        style_features = features(as_picture(style))
        grams = {name: _normalized_gram(style_features[name]) for name in settings.style_layers}

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        picture = as_picture(x.reshape(content.shape)).requires_grad_(True)
        found = features(picture)
        loss = sum(
            0.5 * settings.content_weight * (found[name] - target).square().sum()
            for name, target in content_targets.items()
        )
        for (name, target), weight in zip(grams.items(), settings.style_layer_weights, strict=True):
            scale = settings.style_weight * weight / (4 * target.shape[0] ** 2)
            loss = loss + scale * (_normalized_gram(found[name]) - target).square().sum()
        (gradient,) = torch.autograd.grad(loss, picture)
        return float(loss.detach()), gradient.permute(0, 2, 3, 1).cpu().numpy().astype(np.float64).ravel()

    return evaluate


def _convolutions(
    network: object, wanted: set[str], device: str
) -> list[tuple[str, torch.Tensor | None, torch.Tensor | None]]:
    """Name, kernel and bias of each layer up to the last one wanted; a pooling layer has neither."""
    last = max(place for place, layer in enumerate(network.layers) if layer.name in wanted)
    steps = []
    for layer in network.layers[1 : last + 1]:
        arrays = [torch.from_numpy(np.array(array)).to(device) for array in layer.get_weights()]
        kernel, bias = (arrays[0].permute(3, 2, 0, 1).contiguous(), arrays[1]) if arrays else (None, None)
        steps.append((layer.name, kernel, bias))
    return steps


def _normalized_gram(activation: torch.Tensor) -> torch.Tensor:
    matrix = activation.flatten(2)[0]
    return matrix @ matrix.T / matrix.shape[1]
