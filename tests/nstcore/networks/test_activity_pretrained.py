"""Rescaled filters of trained networks, measured on the pictures that they are measured on everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from nstcore import TransferConfig
from nstcore.loading import load_scene
from nstcore.pictures.resizing import resize
from nstcore.problem import build_problem
from nstcore.recipe import resolve
from pipeline.samples.styles.textures import TEXTURES


@pytest.mark.pretrained
@pytest.mark.parametrize(("content", "style"), [("chelsea", "brushwork"), ("rocket", "woodcut")])
def test_vgg16_and_vgg19_have_style_terms_of_one_scale(content, style, to_numpy):
    """Whatever file VGG16 comes from: the one from a package has activations 36 to 355 times smaller than VGG19's."""
    pictures = (resize(picture, 160) for picture in (getattr(data, content)(), TEXTURES[style]()))
    content_picture, style_picture = pictures
    terms = {}
    for backbone in ("vgg16", "vgg19"):
        for layer in (f"block{block}_conv1" for block in range(1, 6)):
            recipe = resolve(
                TransferConfig(
                    backbone,
                    size=160,
                    coarse_sizes=(),
                    style_normalization="gatys",
                    style_layers=(layer,),
                    filters="normalized",
                )
            )
            scene = load_scene(content_picture, [style_picture], recipe)
            found = build_problem([scene], recipe).evaluate(scene.content[np.newaxis].astype(np.float32))
            terms[backbone, layer] = float(to_numpy(found.terms["style"])[0])
    for block in range(1, 6):
        layer = f"block{block}_conv1"
        assert 0.01 < terms["vgg19", layer] / terms["vgg16", layer] < 100
    sums = {name: sum(value for (other, _), value in terms.items() if other == name) for name in ("vgg16", "vgg19")}
    assert 0.01 < sums["vgg19"] / sums["vgg16"] < 100
