"""What can be named as a layer of a backbone; no weights are needed."""

from __future__ import annotations

from dataclasses import dataclass

from nstcore.keras_settings.numerics import own_numerics
from nstcore.losses import PICTURE
from nstcore.networks.backbones import get_backbone

# Of the picture whose layers are looked at, pixels: so many that borders hardly count in their share.
_SIDE = 4096


@dataclass(frozen=True)
class ListedLayer:
    """A layer that gives feature maps.

    Attributes:
        name: as settings take it.
        kind: Keras' class of layers.
        channels: how many feature maps it gives.
        share: n, if its side is 1/n of the picture's; None if it has one position whatever the picture.
        default: which of "content" and "style" read it unless layers are named.
    """

    name: str
    kind: str
    channels: int
    share: int | None
    default: tuple[str, ...]


@own_numerics()
def list_layers(backbone: str) -> list[ListedLayer]:
    """Every layer of a backbone that can be named, in the order of the network, after the picture itself.

    Raises:
        ConfigError: for an unknown backbone, or one that this Keras does not have.
    """
    import keras

    entry = get_backbone(backbone)
    network = entry.build()
    layers = [layer for layer in network.layers[1:] if len(layer.output.shape) == 4]
    shapes = keras.Model(network.input, [layer.output for layer in layers]).compute_output_shape((1, _SIDE, _SIDE, 3))
    defaults = {"content": entry.content_layers, "style": entry.style_layers}
    itself = ListedLayer(PICTURE, "InputLayer", 3, 1, ())
    return [itself] + [
        ListedLayer(
            name=layer.name,
            kind=type(layer).__name__,
            channels=int(shape[3]),
            share=None if shape[1] == 1 else round(_SIDE / shape[1]),
            default=tuple(role for role, names in defaults.items() if layer.name in names),
        )
        for layer, shape in zip(layers, shapes, strict=True)
    ]
