"""Against the classic Keras way: one batch of three pictures, and L-BFGS begun anew every 20 evaluations.

As the example that most implementations descend from: content, style and combination go through the whole network in
one batch at every evaluation, the loss and its gradient by the combination are one function, and SciPy's
`fmin_l_bfgs_b` is called again and again with `maxfun=20`. The function is compiled (`tf.function`, what `K.function`
is today). Both sides minimise the same loss: content in block5_conv2, style in block1_conv1 … block5_conv1 with the
example's constants, total variation. The judge is that loss, in float32, of the picture as a file of 8 bits holds it.

    python -m benchmarks.against_classic [--sizes 256 --evaluations 200 --turns 1]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from benchmarks.common.measure import alternately, median_ratio
from benchmarks.common.problem import add_picture_options, cut_pair, numbers
from benchmarks.common.report import Report, add_results_option, progress, seconds
from benchmarks.common.runs import judged_run, written
from nstcore import TransferConfig
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow

_CONTENT_WEIGHT, _STYLE_WEIGHT, _VARIATION_WEIGHT = 0.025, 1.0, 1.0
_CONTENT_LAYER, _STYLE_LAYERS = "block5_conv2", tuple(f"block{block}_conv1" for block in range(1, 6))
_MEAN_BGR = np.array([103.939, 116.779, 123.68])
_RESTART_AFTER = 20


@dataclass(frozen=True)
class Point:
    """Where a run was: seconds without judging, and the judged loss."""

    evaluations: int
    seconds: float
    loss: float


def main() -> None:
    options = _options()
    quiet_tensorflow()
    import_keras_quietly()
    report = Report("against_classic", "Against the classic Keras way, float32", options.results)
    for size in options.sizes:
        _compare(size, options, report)
    report.write()


def _compare(size: int, options: argparse.Namespace, report: Report) -> None:
    from nstcore import build_objective

    content, style = cut_pair(options, size)
    config = _our_config(size, options.evaluations)
    objective, classic = build_objective(content, style, config), classic_loss(content, style)
    x, z = objective.x0, preprocessed(content)
    losses = objective(x)[0], classic(z)[0]
    if not abs(losses[0] / losses[1] - 1.0) <= 1e-4:
        raise RuntimeError(f"the losses differ: {losses}")
    progress(f"{size} px: evaluations in turns")
    times = alternately({"ours": lambda: objective(x), "classic": lambda: classic(z)}, options.repeats)

    runs: dict[str, list[list[Point]]] = {"ours": [], "classic": []}
    for turn in range(options.turns):
        progress(f"{size} px: runs, turn {turn + 1} of {options.turns}")
        runs["classic"].append(_run_classic(content, classic, options.evaluations, objective.components))
        runs["ours"].append(_run_ours(content, style, config, options.evaluations))

    header = (f"{size} × {size * 3 // 4}", "classic", "ours", "ours / classic")
    rows = [("s per evaluation", *_medians_and_ratio(times["classic"], times["ours"]))]
    ends = {side: [points[-1].seconds for points in runs[side]] for side in runs}
    rows.append((f"s for {options.evaluations} evaluations", *_medians_and_ratio(ends["classic"], ends["ours"])))
    reached = {side: runs[side][0][-1].loss for side in runs}
    ratio = f"{reached['ours'] / reached['classic']:.3f}"
    rows.append(("judged loss then", f"{reached['classic']:.6g}", f"{reached['ours']:.6g}", ratio))
    as_low = [_first_as_low(ours, theirs[-1].loss) for ours, theirs in zip(runs["ours"], runs["classic"], strict=True)]
    if all(as_low):
        ours = [point.seconds for point in as_low if point]
        rows.append(("s to the classic's judged loss", *_medians_and_ratio(ends["classic"], ours)))
        counts = runs["classic"][0][-1].evaluations, as_low[0].evaluations
        rows.append(("evaluations to it", *counts, f"{counts[1] / counts[0]:.3f}"))
    report.table(header, rows)
    if not all(as_low):
        report.say("Ours did not reach the classic's judged loss.")


def _medians_and_ratio(classic: list[float], ours: list[float]) -> tuple[str, str, str]:
    medians = seconds(statistics.median(classic)), seconds(statistics.median(ours))
    return *medians, f"{median_ratio(ours, classic):.3f}"


def _first_as_low(points: list[Point], loss: float) -> Point | None:
    return next((point for point in points if point.loss <= loss), None)


def _our_config(size: int, iterations: int) -> TransferConfig:
    return TransferConfig(
        backbone="vgg19",
        content_layers=(_CONTENT_LAYER,),
        style_layers=_STYLE_LAYERS,
        content_weight=2 * _CONTENT_WEIGHT,  # of ½ Σ; the example has no half
        style_weight=_STYLE_WEIGHT,
        total_variation_weight=_VARIATION_WEIGHT,
        style_normalization="keras-example",
        size=size,
        iterations=iterations,
    ).resolved()


def _run_ours(content: np.ndarray, style: np.ndarray, config: TransferConfig, evaluations: int) -> list[Point]:
    points: list[Point] = []

    def on_judged(_: int, count: int, taken: float, loss: float) -> bool:
        if count <= evaluations:
            points.append(Point(count, taken, loss))
        return count < evaluations

    judged_run(content, style, config, on_judged)
    return points


def _run_classic(
    content: np.ndarray,
    loss: Callable[[np.ndarray], tuple[float, np.ndarray]],
    evaluations: int,
    judge: Callable[[np.ndarray], dict[str, float]],
) -> list[Point]:
    x, done, taken = preprocessed(content), 0, 0.0
    points: list[Point] = []
    while done < evaluations:
        start = time.perf_counter()
        x, _, info = scipy.optimize.fmin_l_bfgs_b(loss, x.ravel(), maxfun=min(_RESTART_AFTER, evaluations - done))
        taken += time.perf_counter() - start
        done += info["funcalls"]
        picture = x.reshape(content.shape) + _MEAN_BGR
        points.append(Point(done, taken, judge(written(picture[..., ::-1]))["total"]))
    return points


def preprocessed(picture: np.ndarray) -> np.ndarray:
    """BGR minus the mean, flat, float64: what the example optimises."""
    return (picture[..., ::-1] - _MEAN_BGR).ravel()


def classic_loss(content: np.ndarray, style: np.ndarray) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The example's loss and gradient, of a flat preprocessed picture."""
    import keras
    import tensorflow as tf

    from nstcore.networks.extractor import pretrained_network

    network, _ = pretrained_network("vgg19", "imagenet")
    every_layer = keras.Model(network.input, {layer.name: layer.output for layer in network.layers[1:]})
    pixels = content.shape[0] * content.shape[1]
    fixed = [tf.constant(preprocessed(picture).reshape(1, *content.shape), tf.float32) for picture in (content, style)]

    def gram(activation: tf.Tensor) -> tf.Tensor:
        channels_first = tf.reshape(tf.transpose(activation, (2, 0, 1)), (activation.shape[-1], -1))
        return tf.matmul(channels_first, channels_first, transpose_b=True)

    @tf.function(autograph=False)
    def value_and_gradient(combination: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        activations = every_layer(tf.concat([*fixed, combination], axis=0), training=False)
        base, _, mixed = tf.unstack(activations[_CONTENT_LAYER])
        total = _CONTENT_WEIGHT * tf.reduce_sum(tf.square(mixed - base))
        for layer in _STYLE_LAYERS:
            _, wanted, mixed = tf.unstack(activations[layer])
            distance = tf.reduce_sum(tf.square(gram(wanted) - gram(mixed))) / (4.0 * 3**2 * float(pixels) ** 2)
            total += _STYLE_WEIGHT / len(_STYLE_LAYERS) * distance
        down = tf.square(combination[:, :-1, :-1] - combination[:, 1:, :-1])
        right = tf.square(combination[:, :-1, :-1] - combination[:, :-1, 1:])
        total += _VARIATION_WEIGHT * tf.reduce_sum(tf.pow(down + right, 1.25))
        return total, tf.gradients(total, combination)[0]

    def call(x: np.ndarray) -> tuple[float, np.ndarray]:
        total, gradient = value_and_gradient(tf.constant(x.reshape(1, *content.shape), tf.float32))
        return float(total), gradient.numpy().astype(np.float64).ravel()

    return call


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare with the classic Keras way.")
    add_picture_options(parser)
    add_results_option(parser)
    parser.add_argument("--sizes", type=numbers, default=[256])
    parser.add_argument("--repeats", type=int, default=5, help="evaluations of each that are timed in turns")
    parser.add_argument("--evaluations", type=int, default=200, help="of a run")
    parser.add_argument("--turns", type=int, default=1, help="runs of each")
    return parser.parse_args()


if __name__ == "__main__":
    main()
