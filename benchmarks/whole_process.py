"""Our side of a comparison of whole processes: picture files in, a PNG out, as anyone's own script would do it.

    python -m benchmarks.whole_process transfer CONTENT STYLE OUTPUT --iterations 100
    python -m benchmarks.whole_process judge CONTENT STYLE PICTURE …
    python -m benchmarks.whole_process search CONTENT STYLE --targets 70000,20000 --iterations 300

The loss is pastiche's (`benchmarks.common.problem.pastiche_config`). Each command prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from benchmarks.common.problem import pastiche_config
from nstcore import TransferConfig
from nstcore.pictures.images import read_picture, write_picture
from nstcore.system.quiet import import_keras_quietly, quiet_tensorflow


def main() -> None:
    options = _options()
    quiet_tensorflow()
    import_keras_quietly()
    print(json.dumps({"transfer": _transfer, "judge": _judge, "search": _search}[options.command](options)))


def _transfer(options: argparse.Namespace) -> dict[str, int]:
    from nstcore import style_transfer

    result = style_transfer(options.content, options.style, _config(options))
    write_picture(options.output, result.image)
    last = result.trace[-1]
    return {"iterations": last.iteration, "evaluations": last.evaluations}


def _judge(options: argparse.Namespace) -> list[float]:
    """The loss of every file, in float32."""
    from nstcore import build_objective

    objective = build_objective(options.content, options.style, _config(options))
    pictures = [read_picture(path) for path in options.pictures]
    return [objective.components(picture.astype(float).ravel())["total"] for picture in pictures]


def _search(options: argparse.Namespace) -> list[dict[str, Any] | None]:
    """For every target the first iterate whose written file would be judged as low, or None."""
    from benchmarks.common.runs import judged_run

    targets = [float(word) for word in options.targets.split(",")]
    found: list[dict[str, Any] | None] = [None] * len(targets)

    def on_judged(iteration: int, evaluations: int, seconds: float, loss: float) -> bool:
        for place, target in enumerate(targets):
            if found[place] is None and loss <= target:
                found[place] = {"iterations": iteration, "evaluations": evaluations, "loss": loss}
        return None in found

    judged_run(read_picture(options.content), read_picture(options.style), _config(options), on_judged)
    return found


def _config(options: argparse.Namespace) -> TransferConfig:
    height, width = read_picture(options.content).shape[:2]
    others = {name: value for name, value in vars(options).items() if name in ("iterations", "precision")}
    return pastiche_config(height, width, **others)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Our side of a comparison of whole processes.")
    commands = parser.add_subparsers(dest="command", required=True)
    transfer, judge, search = (commands.add_parser(name) for name in ("transfer", "judge", "search"))
    for command in (transfer, judge, search):
        command.add_argument("content")
        command.add_argument("style")
    transfer.add_argument("output")
    judge.add_argument("pictures", nargs="+")
    search.add_argument("--targets", required=True, help="losses, separated by commas")
    for command in (transfer, search):
        command.add_argument("--iterations", type=int, required=True)
        command.add_argument("--precision", default="auto")
    return parser.parse_args()


if __name__ == "__main__":
    main()
