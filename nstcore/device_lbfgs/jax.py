"""L-BFGS on JAX: `optax.lbfgs` for history and direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nstcore.device_lbfgs import HISTORY, Evaluated, EvaluateTogether, Trial, reports, values_and_terms
from nstcore.device_lbfgs.line_search import LineSearched
from nstcore.objective import Objective

_LBFGS = optax.lbfgs(memory_size=HISTORY, linesearch=None)


class Minimizer(LineSearched):
    def __init__(self, objective: Objective, bounded: bool) -> None:
        super().__init__(objective, bounded)
        self._state: Any = None

    def _place(self, picture: np.ndarray) -> None:
        self._picture = jnp.asarray(picture)
        self._gradient = jnp.zeros_like(self._picture)
        self._forget()

    def _evaluate(self) -> np.ndarray:
        found, gradient = self._at(self._picture)
        if self._has_history:
            # optax makes a pair when the next step begins: the gradient it remembers becomes one that differs from
            # this one by what the old loss gave, lest the difference of two losses passes for curvature.
            history, *rest = self._state
            self._state = (history._replace(updates=history.updates + (gradient - self._gradient)), *rest)
        self._gradient = gradient
        return np.asarray(found)

    def _forget(self) -> None:
        # Copies, because optax uses one array of zeros twice and `_next_direction` takes the buffers over.
        self._state = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), _LBFGS.init(self._picture))

    def _direction(self) -> jax.Array:
        direction, self._state = _next_direction(self._gradient, self._state, self._picture)
        return direction

    def _moved(self, direction: jax.Array, t: float) -> jax.Array:
        return _moved(self._picture, direction, np.float32(t))

    def _with_slopes(self, report: jax.Array, gradient: jax.Array, direction: jax.Array) -> jax.Array:
        return _with_slopes(report, self._gradient, gradient, direction)

    def _accept(self, direction: jax.Array, t: float, there: tuple[jax.Array, jax.Array], curved: bool) -> None:
        self._picture, self._gradient = there
        if not curved:  # optax takes every pair
            self._begin_anew()

    def _arrays(self) -> dict[str, np.ndarray]:
        leaves = enumerate(jax.tree.leaves(self._state))
        return {
            "picture": np.array(self._picture),
            "gradient": np.array(self._gradient),
            **{f"state/{index}": np.array(leaf) for index, leaf in leaves},
        }

    def _set_arrays(self, arrays: dict[str, np.ndarray]) -> None:
        self._picture, self._gradient = jnp.asarray(arrays["picture"]), jnp.asarray(arrays["gradient"])
        treedef = jax.tree.structure(jax.eval_shape(_LBFGS.init, self._picture))
        leaves = [jnp.array(arrays[f"state/{index}"], copy=True) for index in range(treedef.num_leaves)]
        self._state = jax.tree.unflatten(treedef, leaves)


@lru_cache(maxsize=8)
def compiled(terms: Callable[..., Any], bounded: bool) -> EvaluateTogether:
    def loss(z: jax.Array, *constants: Any) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        arguments, scales, stiffnesses = constants
        values, found = values_and_terms(terms, z, arguments, scales, stiffnesses, bounded)
        return jnp.sum(values), (values, found)

    @jax.jit
    def evaluate(zs: Sequence[jax.Array], *constants: Any) -> tuple[list[jax.Array], list[jax.Array]]:
        (_, (values, found)), gradients = jax.value_and_grad(loss, has_aux=True)(jnp.concatenate(zs), *constants)
        return list(reports(values, found, gradients)), jnp.split(gradients, len(zs))

    def together(trials: Sequence[Trial], arguments: Any) -> Sequence[Evaluated]:
        zs, scales, stiffnesses = zip(*trials, strict=True)
        return list(zip(*evaluate(zs, arguments, np.array(scales), np.array(stiffnesses)), strict=True))

    return together


@jax.jit
def _moved(z: jax.Array, direction: jax.Array, t: jax.Array) -> jax.Array:
    return z + t * direction


@jax.jit
def _with_slopes(report: jax.Array, before: jax.Array, gradient: jax.Array, direction: jax.Array) -> jax.Array:
    return jnp.concatenate([jnp.stack([jnp.sum(before * direction), jnp.sum(gradient * direction)]), report])


def _direction_and_state(gradient: jax.Array, state: Any, picture: jax.Array) -> tuple[jax.Array, Any]:
    direction, state = _LBFGS.update(gradient, state, picture)
    # In optax the first direction is no longer than the gradient; here it is of length 1 whatever the gradient's.
    first = state[0].count == 1
    norm = jnp.sqrt(jnp.sum(direction * direction))
    return jnp.where(first & (norm > 0), direction / norm, direction), state


# The history is changed in place.
_next_direction = jax.jit(_direction_and_state, donate_argnums=1)
