"""How well does each backbone stylise? One judge for all: the style loss that VGG19 sees.

The judge of a result is its "gatys" style loss in VGG19 (five blockN_conv1, average of E_l; Gatys 2016, eq. 4
and 5) divided by that of the content picture: 1 means that nothing was gained, 0 that VGG19 cannot tell the result's
style from the style picture's. The content distance in VGG19's block4_conv2, relative to the content's
own spread, stands beside it.

    python -m benchmarks.judge --content PICTURE … --style PICTURE … [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

from benchmarks.common.problem import require_pictures
from benchmarks.common.report import Report, add_results_option, progress
from nstcore import BACKBONES, TransferConfig, presets
from nstcore.loading import load_picture
from nstcore.pictures.images import write_picture
from nstcore.system.quiet import quiet_tensorflow
from pipeline.grid.picture_folder import find_pictures


def main() -> None:
    options = _options()
    quiet_tensorflow()
    from nstcore.transfer import style_transfer

    title = f"Stylisation: preset {options.preset}, {options.size} px, {options.iterations} iterations"
    report = Report("judge", title, options.results)
    rows: list[tuple[object, ...]] = []
    for backbone in options.backbones.split(","):
        config = presets.get(options.preset, backbone=backbone, size=options.size, iterations=options.iterations)
        judgments = []
        for content_path in options.content:
            for style_path in options.style:
                if style_path == content_path:
                    continue  # a picture in its own style: nothing to gain
                content, style = load_picture(content_path, config), load_picture(style_path, config)
                result = style_transfer(content, style, config)
                judged, distance = judge(result.image, content, style)
                judgments.append(judged)
                names = (Path(content_path).stem, Path(style_path).stem)
                evaluations = result.trace[-1].evaluations
                measured = (f"{judged:.3f}", f"{distance:.3f}", f"{result.seconds:.1f}", evaluations)
                rows.append((backbone, *names, *measured))
                progress(" ".join(str(cell) for cell in rows[-1]))
                if options.pictures:
                    Path(options.pictures).mkdir(parents=True, exist_ok=True)
                    write_picture(Path(options.pictures, f"{'--'.join((*names, backbone))}.png"), result.image)
        rows.append((backbone, "mean", "", f"{statistics.mean(judgments):.3f}", "", "", ""))
    report.table(("backbone", "content", "style", "judge", "content distance", "s", "evaluations"), rows)
    report.write()


def judge(result: np.ndarray, content: np.ndarray, style: np.ndarray) -> tuple[float, float]:
    """The judge of a result, and its content distance (see above); pictures are uint8 (H, W, 3)."""
    from nstcore.recipe import resolve
    from nstcore.targets import Targets, compute_targets

    recipe = resolve(TransferConfig(backbone="vgg19"))
    losses = dict(recipe.losses)
    of_result, of_content = (compute_targets(picture, "content", recipe) for picture in (result, content))
    wanted = compute_targets(style, "style", recipe)

    def gram(seen: Targets, layer: str) -> np.ndarray:
        return seen.kept["gram", layer]["gram"]

    def style_loss(seen: Targets) -> float:
        differences = [gram(seen, layer) - gram(wanted, layer) for layer in losses["gram"].layers]
        return float(np.mean([np.sum(np.square(each)) / (4 * len(each) ** 2) for each in differences]))

    (layer,) = losses["content"].layers
    target = of_content.kept["content", layer]["features"]
    spread = np.sum(np.square(target - target.mean(axis=0)))
    distance = np.sum(np.square(of_result.kept["content", layer]["features"] - target)) / spread
    return style_loss(of_result) / style_loss(of_content), float(distance)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge the stylisation of every backbone by VGG19's style loss.")
    parser.add_argument("--content", nargs="+", default=_pictures("inputs/content"), help="content pictures")
    parser.add_argument("--style", nargs="+", default=_pictures("inputs/style"), help="style pictures")
    parser.add_argument("--backbones", default=",".join(BACKBONES))
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=150)
    add_results_option(parser)
    parser.add_argument("--pictures", help="folder to write the results to")
    options = parser.parse_args()
    require_pictures(parser, *options.content, *options.style)
    return options


def _pictures(folder: str) -> list[str]:
    return sorted(str(path) for paths in find_pictures(folder).pictures.values() for path in paths)


if __name__ == "__main__":
    main()
