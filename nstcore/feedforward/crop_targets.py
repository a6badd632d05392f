"""What the losses compare the pictures of crops with: of the style once, of each crop when it is first used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nstcore import backend
from nstcore.keras_settings.numerics import own_numerics
from nstcore.loss_graph import Structure
from nstcore.loss_inputs import loss_inputs
from nstcore.losses import Tensor
from nstcore.pictures.images import Picture
from nstcore.problem import Problem
from nstcore.recipe import Recipe
from nstcore.scene import Scene, Style
from nstcore.targets import SceneTargets, compute_targets

#: Of one crop: the arrays that are its own, by their paths in the inputs of the loss graph.
Own = dict[str, np.ndarray]


class CropTargets:
    """The inputs of the loss graph for crops of one size and the same styles.

    A style is looked at once. Of a crop what a transfer would keep of it as a content picture is kept, by one forward
    pass of the extractor: content features, and what balances the losses. Arrays that are the same for every
    crop, such as Gram matrices of the styles, are on the device once.
    """

    @own_numerics()
    def __init__(self, styles: Sequence[Style], recipe: Recipe, side: int) -> None:
        """Look at the styles; `side` is the height and width of the crops, pixels.

        Raises:
            ConfigError: for a layer that the backbone does not have.
            WeightsError: if its weights cannot be had.
        """
        self._styles, self._recipe, self._side = tuple(styles), recipe, side
        self._of_styles = tuple(compute_targets(style.picture, "style", recipe) for style in styles)
        # Losses that are told once of each style, whatever the crop.
        self._shared_losses = {
            name for name, loss in recipe.losses if loss.reads == "style" and not loss.matches_content
        }
        self._shared: dict[int, dict[str, Tensor]] = {}
        self._first: dict[str, np.ndarray] = {}

    def of(self, crop: Picture) -> Own:
        """What is a crop's own, uint8 (side, side, 3)."""
        scene = Scene(crop, self._styles)
        kept = SceneTargets(compute_targets(crop, "content", self._recipe), self._of_styles)
        inputs = loss_inputs(scene, kept, self._recipe)
        flat = {
            **{f"constants/{path}": array for path, array in inputs["constants"].items()},
            **{f"coefficients/{name}": array for name, array in inputs["coefficients"].items()},
            "weights": inputs["weights"],
        }
        own = {path: array for path, array in flat.items() if not self._is_shared(path)}
        if not self._first:
            self._first = {path: array for path, array in flat.items() if self._is_shared(path)}
        return own

    def problem(self, own: Sequence[Own]) -> Problem:
        """The problem of a batch of crops. All of one number share a compiled function, so that this is cheap."""
        batch, prefix = len(own), "constants/"
        if batch not in self._shared:
            repeated = {path: np.repeat(array[np.newaxis], batch, axis=0) for path, array in self._first.items()}
            self._shared[batch] = backend.on_device(repeated)
        stacked = backend.on_device({path: np.stack([one[path] for one in own]) for path in own[0]})
        structure = Structure(
            network=self._recipe.network,
            content_network=self._recipe.content_network,
            losses=tuple((name, loss.structure("graph")) for name, loss in self._recipe.losses),
            constants=tuple(
                (path.removeprefix(prefix), array.shape)
                for path, array in {**self._first, **own[0]}.items()
                if path.startswith(prefix)
            ),
            styles=len(self._styles),
            height=self._side,
            width=self._side,
            batch=batch,
        )
        return Problem(structure, _nested({**self._shared[batch], **stacked}))

    def _is_shared(self, path: str) -> bool:
        kind, _, rest = path.partition("/")
        return kind == "weights" or (kind == "constants" and rest.partition("/")[0] in self._shared_losses)


def _nested(flat: Mapping[str, Tensor]) -> dict[str, Any]:
    """Arrays by paths as the loss graph takes them: paths below "constants" and "coefficients" stay names."""
    inputs: dict[str, Any] = {}
    for path, array in flat.items():
        kind, _, rest = path.partition("/")
        if rest:
            inputs.setdefault(kind, {})[rest] = array
        else:
            inputs[kind] = array
    return inputs
