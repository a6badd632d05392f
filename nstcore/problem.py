"""The assembly: scenes, losses and a network become one compiled problem over B pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import keras
import numpy as np

from nstcore import backend
from nstcore.config import TransferConfig
from nstcore.errors import ConfigError
from nstcore.keras_settings.numerics import own_numerics
from nstcore.loss_graph import Structure, compiled_loss
from nstcore.loss_inputs import loss_inputs
from nstcore.losses import Tensor
from nstcore.optimizers.evaluation import evaluation
from nstcore.optimizers.protocol import Minimizable
from nstcore.recipe import Recipe, resolve
from nstcore.scene import Scene, require_regions
from nstcore.targets import SceneTargets, scene_targets


class Evaluation(NamedTuple):
    """Of B pictures, tensors of the backend.

    Attributes:
        values: the total losses, (B,).
        terms: name -> values (B,), the terms before their weights, and the total.
        gradient: (B, H, W, 3), picture by picture that of its own total.
    """

    values: Tensor
    terms: dict[str, Tensor]
    gradient: Tensor


# An approximation in bfloat16 is left for the loss itself at this share of the iterations; measured to end within 1 %
# of a float32 run for every backbone (benchmarks/precision.py).
_REFINED_FROM = 0.8


class Stage(NamedTuple):
    """What the loss of some scenes is from a share of the iterations on."""

    begins: float
    structure: Structure
    inputs: dict[str, Any]


class Problem:
    """The total loss of B scenes of one size.

    Attributes:
        refined_from: the share of the iterations at which `refined` takes its place.
        is_another: whether its loss is another than that of the stage before, not only in other numbers.
        shape: (B, H, W, 3), of the pictures, RGB, nominally 0..255.
        terms: names of the terms, see `TERMS`.
        function: (pictures, `arguments`) -> (totals (B,), terms (B, T)), tensors; it can be traced and differentiated,
            and is one object for all problems of a structure.
        arguments: targets, coefficients and weights, on the device.
        variable: "pixels": the pictures themselves are what is optimised.
    """

    variable = "pixels"

    def __init__(
        self, structure: Structure, inputs: dict[str, Any], later: tuple[Stage, ...] = (), *, is_another: bool = False
    ) -> None:
        """Compile a structure, or take what was compiled before.

        Args:
            inputs: what its graph takes besides the pictures, on the device.
            later: what its loss becomes; () leaves it as it is, in bfloat16 too.
            is_another: see above.
        """
        self.is_another = is_another
        self.refined_from = later[0].begins if later else 1.0
        self._structure = structure
        self._inputs = inputs
        self._later = later
        graph = compiled_loss(structure)
        self.shape = (structure.batch, structure.height, structure.width, 3)
        self.terms = structure.terms
        self.function = graph.function
        self._weights = graph.weights

    @property
    def arguments(self) -> Any:
        return self._inputs, self._weights

    @own_numerics()
    def evaluate(self, x: np.ndarray | Tensor) -> Evaluation:
        """Compute losses and gradients at pictures (B, H, W, 3)."""
        gradient, scalars = evaluation(self.function)(backend.on_device(x), self.arguments)
        terms = {name: scalars[:, 1 + place] for place, name in enumerate(self.terms)}
        return Evaluation(terms["total"], terms, gradient)

    @own_numerics()
    def refined(self) -> Problem | None:
        """What the loss becomes: itself, if this approximates it in bfloat16, or that of the next stage; or None."""
        if not self._later:
            return None
        stage, *later = self._later
        is_another = stage.structure.silent != self._structure.silent
        return Problem(stage.structure, stage.inputs, tuple(later), is_another=is_another)

    def pictures(self, z: Tensor) -> Tensor:
        return z

    def at(self, pictures: np.ndarray) -> np.ndarray:
        return pictures

    def of(self, problem: Minimizable) -> Minimizable:
        return problem

    def calibrate(self, slopes: np.ndarray, gradient: Tensor) -> None:
        pass

    def state_dict(self) -> dict[str, np.ndarray]:
        return {}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        pass


@own_numerics()
def build_problem(
    scenes: Sequence[Scene], config: TransferConfig | Recipe, targets: Sequence[SceneTargets] = ()
) -> Problem:
    """Assemble the problem of scenes whose content pictures have one size.

    Args:
        scenes: with pictures of the size that is wanted, and one number of styles (`Scene.pairings`).
        config: the settings of all.
        targets: what was kept of their pictures before; () looks at them now.

    Raises:
        ConfigError: for content pictures of different sizes, different numbers of styles, an unknown layer, or
            regions with a loss that cannot weigh positions.
        WeightsError: if the backbone's weights cannot be had.
    """
    recipe = resolve(config)
    sizes = {scene.content.shape[:2] for scene in scenes}
    if len(sizes) != 1:
        raise ConfigError(f"content pictures must have one size. Received: (height, width) of {sorted(sizes)}")
    if len({len(scene.pairings) for scene in scenes}) != 1:
        raise ConfigError(
            "scenes must have one number of styles, counted for each region of the content. "
            f"Received: {', '.join(str(len(scene.pairings)) for scene in scenes)} styles"
        )
    guided = any(scene.has_regions for scene in scenes) and bool(recipe.guided_layers)
    if guided:
        require_regions(recipe)
    targets = targets or [scene_targets(scene, recipe) for scene in scenes]
    ((height, width),) = sizes
    inputs = [loss_inputs(scene, kept, recipe, guided) for scene, kept in zip(scenes, targets, strict=True)]
    shapes = {path: {one["constants"][path].shape for one in inputs} for path in inputs[0]["constants"]}
    if differing := [path.partition("/")[0] for path, found in shapes.items() if len(found) > 1]:
        raise ConfigError(
            f"what the loss {differing[0]!r} keeps of these styles differs in size, so that they cannot be evaluated "
            "together; give styles of one size, or evaluate one at a time (batch size 1)"
        )
    stacked = keras.tree.map_structure(lambda *leaves: np.stack(leaves), *inputs)
    structure = Structure(
        network=recipe.network,
        content_network=recipe.content_network,
        losses=tuple((name, loss.structure("graph")) for name, loss in recipe.losses),
        constants=tuple((path, array.shape) for path, array in inputs[0]["constants"].items()),
        styles=len(scenes[0].pairings),
        height=height,
        width=width,
        batch=len(scenes),
        guided=guided,
    )
    first, *later = _stages(recipe, structure, backend.on_device(stacked))
    return Problem(first.structure, first.inputs, tuple(later))


def _stages(recipe: Recipe, structure: Structure, inputs: dict[str, Any]) -> list[Stage]:
    """The stages of the losses, and the last share of the iterations in float32."""
    silent = dict(recipe.stages)
    is_approximated = structure.network.precision != "float32"
    found: list[Stage] = []
    for begins in sorted({*silent, *([_REFINED_FROM] if is_approximated else [])}):
        quiet = silent.get(begins, found[-1].structure.silent if found else ())
        each = replace(structure, silent=quiet)
        each = _in_float32(each) if begins >= _REFINED_FROM else each
        found.append(Stage(begins, each, each.takes(inputs)))
    return found


def _in_float32(structure: Structure) -> Structure:
    networks = (replace(one, precision="float32") for one in (structure.network, structure.content_network))
    network, content_network = networks
    return replace(structure, network=network, content_network=content_network)
