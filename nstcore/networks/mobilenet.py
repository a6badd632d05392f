"""MobileNetV2 (Sandler et al. 2018) as a judge: no picture is made through it, and nothing was chosen by it.

Its weights were fine-tuned to pictures in 0 to 1 (the package's own code divides by 255), not to Keras' -1 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nstcore.keras_settings.numerics import own_numerics

if TYPE_CHECKING:
    import keras


@own_numerics()
def build() -> keras.Model:
    """Build the network for pictures of any size; its variables are yet to be set.

    Returns:
        From RGB pictures (B, H, W, 3), 0 to 255, float32, to (B, ceil(H / 32), ceil(W / 32), 1280).
    """
    import keras
    from keras import layers

    picture = keras.Input(shape=(None, None, 3), name="picture")
    scaled = layers.Rescaling(1.0 / 255.0, name="rescaling")(picture)
    network = keras.applications.MobileNetV2(weights=None, include_top=False, input_tensor=scaled)
    return keras.Model(picture, network.output, name="mobilenet_v2")  # Keras' own takes a list of pictures
