"""Which layers of a judge tell styles apart? Crops of one picture against crops of others.

From every picture come four crops, one from each corner. The style distance of two crops is that of
`pipeline.measures.comparison`, layer by layer. A layer is good if crops of one picture are near each other ("within")
and those of different pictures far ("between"): AUC is the chance that a pair of the first kind is nearer than one of
the second, "1-NN" the share of crops whose nearest crop is of the same picture.

    python -m benchmarks.judge_layers PICTURE …
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.common.problem import require_pictures
from benchmarks.common.report import Report, add_results_option
from nstcore.pictures.images import Picture, PictureSource, load
from nstcore.system.quiet import quiet_tensorflow
from pipeline.measures.judges import JUDGES

_SIZE, _CROP = 640, 224


def main() -> None:
    options = _options()
    quiet_tensorflow()
    crops, owners = crops_of(options.pictures, _SIZE, _CROP)
    report = Report("judge_layers", "Layers of the judges: do they tell styles apart?", options.results)
    report.say(
        f"{len(options.pictures)} pictures, {len(crops)} crops of {_CROP} px. {(__doc__ or '').split(chr(10) * 2)[1]}"
    )
    for name, judge in ((name, judge) for name, judge in JUDGES.items() if judge.by_grams):
        distances = {layer: _distances(grams) for layer, grams in _grams(name, crops).items()}
        chosen = np.mean([distances[layer] for layer in judge.style_layers], axis=0)
        rows = [
            (f"{layer}{' *' if layer in judge.style_layers else ''}", *_scores(distances[layer], owners))
            for layer in distances
        ]
        report.say(f"{judge.title}; chosen layers are marked *:")
        report.table(
            ("layer", "within", "between", "AUC", "1-NN"), [*rows, ("**chosen, mean**", *_scores(chosen, owners))]
        )
    report.write()


def crops_of(pictures: Sequence[PictureSource], size: int, crop: int) -> tuple[list[Picture], np.ndarray]:
    """Four crops of each picture, one from each corner, and the number of the picture that each is of.

    Args:
        size: what the longest side is brought to first, pixels.
        crop: side of a crop, pixels.
    """
    crops, owners = [], []
    for owner, source in enumerate(pictures):
        picture = load(source, size, smallest_side=crop, backbone="the crop")
        bottom, right = (side - crop for side in picture.shape[:2])
        crops += [picture[y : y + crop, x : x + crop] for y in (0, bottom) for x in (0, right)]
        owners += [owner] * 4
    return crops, np.array(owners)


def _grams(judge: str, crops: list[Picture]) -> dict[str, list[np.ndarray]]:
    """Gram matrices per layer and crop, of the layers that a style could be read at."""
    import keras

    from nstcore.losses import feature_matrix
    from nstcore.losses.gram import Gram
    from nstcore.networks import efficientnet_lite
    from nstcore.networks.extractor import feature_network
    from nstcore.networks.network import Network
    from nstcore.networks.weights import pinned
    from nstcore.networks.weights.network import assign

    if judge == "vgg19":
        layers = tuple(f"block{block}_conv{n}" for block in range(1, 6) for n in (1, 2))
        extractor = feature_network(Network("vgg19"), layers)
    else:
        network = efficientnet_lite.build()
        assign(network, pinned.load(judge)[0])
        kinds = ("_add", "_project_bn", "_activation")
        layers = tuple(layer.name for layer in network.layers if layer.name.endswith(kinds))
        extractor = keras.Model(network.input, {layer: network.get_layer(layer).output for layer in layers})
    found: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
    for crop in crops:
        activations = extractor(crop[np.newaxis].astype(np.float32), training=False)
        for layer in layers:
            gram = Gram().target(feature_matrix(activations[layer]))["gram"]
            found[layer].append(keras.ops.convert_to_numpy(gram)[0])
    return found


def _distances(grams: list[np.ndarray]) -> np.ndarray:
    """Σ(G - A)² / (ΣG² + ΣA²) of every two."""
    flat = np.array([gram.ravel() for gram in grams], np.float64)
    energy = np.square(flat).sum(axis=1)
    both = energy[:, None] + energy[None]
    return np.asarray((both - 2 * flat @ flat.T) / both)


def _scores(distances: np.ndarray, owners: np.ndarray) -> tuple[str, ...]:
    same, pairs = owners[:, None] == owners[None], np.triu_indices(len(owners), 1)
    within, between = (distances[pairs][same[pairs] == kind] for kind in (True, False))
    others = distances + np.diag(np.full(len(owners), np.inf))
    nearest = np.mean(owners[others.argmin(axis=1)] == owners)
    auc = np.mean(within[:, None] < between[None])
    return f"{np.median(within):.3f}", f"{np.median(between):.3f}", f"{auc:.3f}", f"{nearest:.2f}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Which layers of a judge tell styles apart?")
    parser.add_argument("pictures", nargs="+", metavar="PICTURE", help="of different styles, no side below 224 of 640")
    add_results_option(parser)
    options = parser.parse_args()
    require_pictures(parser, *options.pictures)
    return options


if __name__ == "__main__":
    main()
