"""The flat float64 face of a problem that SciPy, or any other optimiser of a flat vector, calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from nstcore.backend import on_device, to_host
from nstcore.coloring import compared, recolored
from nstcore.config import TransferConfig
from nstcore.keras_settings.numerics import own_numerics
from nstcore.level import starting_picture
from nstcore.loading import load_scene
from nstcore.memory import require_memory
from nstcore.mixture import StyleLike
from nstcore.optimizers.evaluation import evaluation
from nstcore.optimizers.parametrization import parametrized
from nstcore.optimizers.protocol import Minimizable, divergence
from nstcore.pictures import images
from nstcore.pictures.images import PictureSource
from nstcore.pictures.region_map import RegionSource
from nstcore.problem import build_problem
from nstcore.recipe import resolve


class Objective:
    """Loss and gradient of a picture, as a function of a flat vector.

    Call it with a float64 vector (H·W·3,) of RGB values, nominally 0..255, or of what else stands for a picture; it
    returns the total loss (float) and its gradient (float64 (H·W·3,)), and counts the evaluation.

    Attributes:
        x0: what stands for the initial picture, float64 (H·W·3,).
        shape: (H, W, 3).
        evaluations: how often loss and gradient were computed.
    """

    def __init__(
        self,
        problem: Minimizable,
        initial: np.ndarray,
        finish: Callable[[images.Picture], images.Picture] | None = None,
    ) -> None:
        """Wrap a problem of one picture.

        Args:
            problem: with B = 1.
            initial: the float32 (H, W, 3) picture to start from.
            finish: what is done to a picture at last; None is nothing.
        """
        self.shape = initial.shape
        self.x0 = problem.at(initial[np.newaxis]).astype(np.float64).ravel()
        self.evaluations = 0
        self._problem = problem
        self._finish = finish

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Compute the total loss and its gradient.

        Raises:
            DivergenceError: if a term or the gradient is NaN or infinite, naming the evaluation and the term.
        """
        terms, gradient = self._evaluate(x)
        self.evaluations += 1
        if error := divergence(terms, bool(np.isfinite(gradient).all()), self.evaluations):
            raise error
        return terms["total"], gradient.astype(np.float64).ravel()

    def components(self, x: np.ndarray) -> dict[str, float]:
        """The total and its terms (before their weights) at x; not counted as an evaluation."""
        terms, _ = self._evaluate(x)
        return terms

    def to_image(self, x: np.ndarray) -> np.ndarray:
        """The picture at x: uint8 (H, W, 3), rounded and clipped to 0..255."""
        variable = np.asarray(x, np.float32).reshape(1, *self.shape)
        image = images.to_uint8(to_host(self._problem.pictures(on_device(variable)))[0])
        return self._finish(image) if self._finish else image

    @own_numerics()
    def _evaluate(self, x: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
        picture = np.asarray(x, np.float32).reshape(1, *self.shape)
        gradient, scalars = evaluation(self._problem.function)(picture, self._problem.arguments)
        return dict(zip(self._problem.terms, to_host(scalars)[0, 1:-1].tolist(), strict=True)), to_host(gradient)


def build_objective(
    content: PictureSource,
    style: StyleLike | Sequence[StyleLike],
    config: TransferConfig | None = None,
    *,
    style_weights: Sequence[float] = (),
    content_regions: RegionSource | None = None,
    style_regions: RegionSource | Sequence[RegionSource | None] | None = None,
) -> Objective:
    """Build the loss of some pictures, for any optimiser that takes a function of a flat vector.

    The vector is the picture, not kept within any range, or the frequencies of the "fourier" parametrization. Losses
    that do not begin with the iterations (`Loss.begins`) are left out: a function has none.

    Takes and raises what `style_transfer` does.
    """
    recipe = resolve(config or TransferConfig()).unstaged()
    scene = load_scene(content, style, recipe, style_weights, regions=content_regions, style_regions=style_regions)
    height, width = scene.content.shape[:2]
    require_memory(recipe, height, width, guides=scene.guides)
    coloring, given = recipe.config.color, scene
    scene = compared(given, coloring)
    problem = parametrized(build_problem([scene], recipe), replace(recipe.parametrization, bounded=False))

    def finish(image: images.Picture) -> images.Picture:
        return images.to_uint8(recolored(image, given, coloring))

    return Objective(problem, starting_picture(scene, recipe, None), finish)
