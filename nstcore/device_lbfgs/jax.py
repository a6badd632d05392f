"""L-BFGS on JAX: `optax.lbfgs` for history and direction."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nstcore.device_lbfgs import HISTORY, report, value_and_terms
from nstcore.device_lbfgs.line_search import LineSearched
from nstcore.gradients import BoundLoss
from nstcore.objective import Objective

_LBFGS = optax.lbfgs(memory_size=HISTORY, linesearch=None)


class Minimizer(LineSearched):
    def __init__(self, objective: Objective, bounded: bool) -> None:
        super().__init__(objective, bounded)
        self._picture: jax.Array = None
        self._gradient: jax.Array = None
        self._state: Any = None

    def _place(self, picture: np.ndarray) -> None:
        self._picture = jnp.asarray(picture)
        self._gradient = jnp.zeros_like(self._picture)
        self._forget()

    def _use(self, loss: BoundLoss) -> None:
        self._at, self._along = _compiled(loss.terms, self._bounded)
        self._arguments = loss.arguments

    def _constants(self) -> tuple[Any, ...]:
        return self._scale, self._stiffness, self._arguments

    def _evaluate(self) -> np.ndarray:
        vector, gradient = self._at(self._picture, *self._constants())
        if self._has_history:
            # optax makes a pair when the next step begins: the gradient it remembers becomes one that differs from
            # this one by what the old loss gave, lest the difference of two losses passes for curvature.
            history, *rest = self._state
            self._state = (history._replace(updates=history.updates + (gradient - self._gradient)), *rest)
        self._gradient = gradient
        return np.asarray(vector)

    def _rescale(self, factor: float) -> None:
        self._gradient = self._gradient * factor

    def _forget(self) -> None:
        # Copies, because optax uses one array of zeros twice and `_next_direction` takes the buffers over.
        self._state = jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), _LBFGS.init(self._picture))

    def _direction(self) -> jax.Array:
        direction, self._state = _next_direction(self._gradient, self._state, self._picture)
        return direction

    def _trial(self, direction: jax.Array, t: float) -> tuple[np.ndarray, Any]:
        vector, *there = self._along(self._picture, direction, np.float32(t), self._gradient, *self._constants())
        return np.asarray(vector), there

    def _accept(self, direction: jax.Array, t: float, there: Any, curved: bool) -> None:
        self._picture, self._gradient = there
        if not curved:  # optax takes every pair
            self._begin_anew()

    def _z(self) -> jax.Array:
        return self._picture

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
def _compiled(terms: Callable[..., Any], bounded: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The functions that contain the network, compiled once for all pictures of a structure and size."""

    def loss(z: jax.Array, scale: jax.Array, stiffness: jax.Array, arguments: Any) -> tuple[jax.Array, jax.Array]:
        return value_and_terms(terms, z, arguments, scale, stiffness, bounded)

    @jax.jit
    def at(z: jax.Array, *constants: Any) -> tuple[jax.Array, jax.Array]:
        (value, found), gradient = jax.value_and_grad(loss, has_aux=True)(z, *constants)
        return report(value, found, gradient), gradient

    @jax.jit
    def along(
        z: jax.Array, direction: jax.Array, t: jax.Array, gradient: jax.Array, *constants: Any
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        there = z + t * direction
        vector, found = at(there, *constants)
        slopes = jnp.stack([jnp.sum(gradient * direction), jnp.sum(found * direction)])
        return jnp.concatenate([slopes, vector]), there, found

    return at, along


def _direction_and_state(gradient: jax.Array, state: Any, picture: jax.Array) -> tuple[jax.Array, Any]:
    direction, state = _LBFGS.update(gradient, state, picture)
    # In optax the first direction is no longer than the gradient; here it is of length 1 whatever the gradient's.
    first = state[0].count == 1
    norm = jnp.sqrt(jnp.sum(direction * direction))
    return jnp.where(first & (norm > 0), direction / norm, direction), state


# The history is changed in place.
_next_direction = jax.jit(_direction_and_state, donate_argnums=1)
