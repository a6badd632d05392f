"""Every option as a case of a study and from `nst`: each picture is what Python makes of the same settings.

One by one through VGG16, and several at a time through each of the backbones; on the backend of this process, and once
more on each of the others.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import keras
import luigi
import numpy as np
import pytest

from nstcore import BACKBONES, TransferConfig, cli, style_transfer
from nstcore.keras_settings.start import BACKENDS
from nstcore.losses import LOSSES, loss_class
from nstcore.networks import dead_leaves, measuring_pictures
from nstcore.optimizers import OPTIMIZERS
from nstcore.pictures.images import read_picture, write_picture
from tasks import Sweep
from tests.modules import module_of

pytestmark = pytest.mark.usefixtures("blank_figures")

BASE = {
    "backbone": "vgg16",
    "size": 64,
    "iterations": 2,
    "coarse_sizes": (),
    "weights": "random",
    "style_layers": ("block1_conv1", "block2_conv1"),
    "content_layers": ("block2_conv2",),
}
STYLE_LOSSES = [name for name in LOSSES if loss_class(name).reads == "style" and name != "gram"]
CASES = {
    **{name: {"losses": {"gram": {"weight": 0.0}, name: {"layers": BASE["style_layers"]}}} for name in STYLE_LOSSES},
    "self_similarity": {"losses": {"self_similarity": {"layers": BASE["style_layers"]}}},
    "softmax": {"losses": {"gram": {"softmax": True}, "content": {"softmax": True}}},
    "absolute": {"total_variation": "absolute", "total_variation_weight": 1e-3},
    "two sizes": {"coarse_sizes": (48,)},
    "half scale": {"style_scale": 0.75},
    "luminance": {"color": "luminance"},
    "match": {"color": "match"},
    "matched histograms": {"color": "match-histogram"},
    "hues": {"color": "style-hues"},
    "colors of the style": {"init": "style-colors", "init_noise": 0.25},
    "frequencies": {"parametrization": "fourier", "fourier_exponent": 1.0, "fourier_colors": "decorrelated"},
    "settled": {"stop_change": 0.9, "stop_over": 1},
    "anew": {"optimizer_settings": {"restart_every": 1}},
    "adam": {"optimizer": "adam", "optimizer_settings": {"learning_rate": 3.0}},
    "rmsprop": {"optimizer": "rmsprop", "optimizer_settings": {"learning_rate": 3.0}},
    "descent": {"optimizer": "gradient-descent"},
    "reflect": {"padding": "reflect", "pooling": "l2"},
    "normalized": {"filters": "normalized", "pooling": "avg-rescaled"},
}

#: The options that are compared between backends.
PROBE = module_of(Path(__file__).parents[1] / "nstcore/options_probe.py")
TOGETHER = {**PROBE.TOGETHER, "normalized": {"filters": "normalized", "pooling": "avg-rescaled"}}
#: What the study's folders, and the probe for each backbone, have of their own.
OF_EVERY_CELL = {"backbone", "size", "weights", "style_layers"}


def test_every_field_is_an_option_of_these_grids():
    default = TransferConfig()
    options = [*CASES.values(), *TOGETHER.values()]
    varied = {name for each in options for name, value in each.items() if value != getattr(default, name)}
    assert varied | OF_EVERY_CELL == {field.name for field in dataclasses.fields(TransferConfig)}
    assert {each.get("optimizer", default.optimizer) for each in options} == {*OPTIMIZERS}
    assert {name for each in options for name in each.get("losses", ())} >= {*LOSSES} - {"total_variation"}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, blotches):
    folder = tmp_path_factory.mktemp("options")
    for seed, kind in enumerate(("content", "style")):
        (folder / kind).mkdir()
        write_picture(folder / kind / f"{kind}.png", blotches(seed, 96, 96))  # large enough for InceptionV3
    return folder


@pytest.mark.slow
def test_every_option_works_from_a_grid_as_from_python(pictures, run):
    settings = {name: value for name, value in BASE.items() if name != "backbone"}
    configs = {name: TransferConfig(**{**BASE, **options}) for name, options in CASES.items()}
    compare(pictures, run, settings, "vgg16", configs, CASES)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
def test_options_together_work_on_every_backbone(pictures, run, backbone, monkeypatch, tmp_path):
    monkeypatch.setenv("NSTCORE_CACHE", str(tmp_path))  # no activity of random filters is to be kept
    drawn = dead_leaves.dead_leaves(1)[0][:128, :128]
    monkeypatch.setattr(measuring_pictures, "pictures", lambda: [drawn])
    configs = {name: PROBE.configured(backbone, options) for name, options in TOGETHER.items()}
    # All of them: those that are left out would be those of the preset.
    cases = {name: config.to_dict() for name, config in configs.items()}
    for case in cases.values():
        del case["backbone"]
    compare(pictures, run, {}, backbone, configs, cases)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_options_work_on_every_backend(backend, run_on_backend):
    if backend == keras.backend.backend():
        pytest.skip("the other tests of this file run on it")
    pytest.importorskip(backend)
    others = "test_every_option_works or test_options_together"
    words = ["-q", "-m", "slow", "-k", others, "-p", "no:cacheprovider"]
    words += ["-W", "default"]  # Keras 3.15 has NumPy warn of how it takes arrays from torch
    said = run_on_backend(backend, "-m", "pytest", *words, __file__)
    assert f"{1 + len(BACKBONES)} passed" in said


def compare(pictures, run, settings, backbone, configs, cases):
    """See that a grid of cases and `nst` make what Python makes of their configurations."""
    study = {
        "title": "Every option",
        "content_dir": str(pictures / "content"),
        "style_dir": str(pictures / "style"),
        "backbones": [backbone],
        "settings": settings,
        "cases": [{"name": name, **options} for name, options in cases.items()],
    }
    file = pictures / f"{backbone}-{len(cases)}.toml"
    file.write_text(_toml(study), encoding="utf-8")
    task = Sweep(config=str(file), output_dir=str(pictures / "outputs"))

    assert run(task).status == luigi.LuigiStatusCode.SUCCESS

    report = pictures / "outputs" / "reports" / task.grid().digest
    with (report / "grid.csv").open(newline="", encoding="utf-8") as table:
        rows = {row["variant"].removeprefix("case "): row for row in csv.DictReader(table)}
    assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(cases, "done")
    made = {dict(cell.variant)["case"]: cell for cell in task.grid().cells}
    for name, config in configs.items():
        expected = style_transfer(pictures / "content/content.png", pictures / "style/style.png", config)
        cell = made[name]
        folder = pictures / "outputs/cells/content/style" / f"{backbone}-{cell.digest}"
        from_nst = pictures / "from-nst.png"
        words = ["--quiet", "-o", str(from_nst), *_options(config)]
        assert cli.main([str(pictures / "content/content.png"), str(pictures / "style/style.png"), *words]) == 0, name
        for picture in (folder / "result.png", from_nst):
            difference = np.abs(read_picture(picture).astype(int) - expected.image)
            assert difference.max() <= 1, (name, picture)


def _options(config: TransferConfig) -> list[str]:
    """All settings as options of `nst`; `--style-layers=…`, because a value may begin with a dash."""
    settings = config.to_dict().items()
    given = {name: _word(value) for name, value in settings if name == "coarse_sizes" or value not in ("", [], {})}
    return [f"--{name.replace('_', '-')}={word}" for name, word in given.items()]


def _word(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _toml(study: dict) -> str:
    """JSON is TOML, but for its objects: numbers, texts and lists are written alike."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in study.items() if key not in ("settings", "cases")]
    lines += ["[settings]", *(f"{key} = {_value(value)}" for key, value in study["settings"].items())]
    for case in study["cases"]:
        lines += ["[[cases]]", *(f"{key} = {_value(value)}" for key, value in case.items())]
    return "\n".join(lines)


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
