"""The command `nst`: what it writes and prints, and that bad input ends in one line and nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import json
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile

from nstcore import StyleTransferError, Trace, TransferConfig, cli, presets
from nstcore.cli_options import SETTINGS
from nstcore.losses import LOSSES
from nstcore.networks.backbones import BACKBONES
from nstcore.networks.weights.packages import JUDGES, PACKAGES
from nstcore.optimizers import OPTIMIZERS
from nstcore.pictures.images import read_picture, write_picture
from nstcore.system.kept import drop_kept

ROOT = Path(__file__).parents[2]
FAST = ("--weights", "random", "--backbone", "vgg16", "--size", "64", "--iterations", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch, content_picture, style_picture):
    """A working folder with two good pictures and some bad ones."""
    monkeypatch.chdir(tmp_path)
    write_picture("content.png", content_picture)
    write_picture("style.jpg", style_picture)
    whole = Path("content.png").read_bytes()
    Path("empty.png").touch()
    Path("truncated.png").write_bytes(whole[: len(whole) // 2])
    Path("truncated.jpg").write_bytes(Path("style.jpg").read_bytes()[:200])
    Path("text.jpg").write_text("no picture at all\n", encoding="utf-8")
    write_picture("pixel.png", content_picture[:1, :1])
    write_picture("small.png", content_picture[:31])
    write_picture("strip.png", np.tile(content_picture[:40], (1, 5, 1)))
    Path("mixed.toml").write_text('[[style]]\npicture = "style.jpg"\n[[style]]\npicture = "none.jpg"\n')
    Path("here").mkdir()
    return tmp_path


def run(*arguments):
    """Run the command in this process: (status, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(arguments)
        except SystemExit as stop:  # argparse's way
            status = stop.code
    return status, out.getvalue(), err.getvalue()


def run_program(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "nstcore.cli", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            **{name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"},
            "PYTHONPATH": str(ROOT),
            "CUDA_VISIBLE_DEVICES": "-1",
            **environment,
        },
    )


def files_in(folder):
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*")}


def test_every_setting_is_an_option_and_every_weight_of_a_layer_can_be_given(folder):
    assert {*SETTINGS} == {field.name for field in dataclasses.fields(TransferConfig)}
    layers = ("--style-layers", "block1_conv1,block2_conv1", "--style-layer-weights", "1,3", "--trace", "trace.csv")
    status, _, errors = run("content.png", "style.jpg", "-o", "out.png", *FAST, *layers)
    assert (status, errors.count("Traceback")) == (0, 0), errors
    status, _, errors = run("content.png", "style.jpg", "-o", "out.png", *FAST, *layers[:2], *layers[2:3], "1,2,3")
    assert status == 2
    assert "style_layer_weights must be one weight for each of block1_conv1, block2_conv1" in errors


OUT = ("-o", "out.png", "--trace", "trace.csv")
GOOD = ("content.png", "style.jpg", *OUT, *FAST)

#: Bad input that can be known without Keras: (arguments, words of the one line).
KNOWN_AT_ONCE = {
    "missing content": (("none.png", "style.jpg", *OUT, *FAST), ["none.png does not exist"]),
    "missing style": (("content.png", "none.jpg", *OUT, *FAST), ["none.jpg does not exist"]),
    "folder": (("here", "style.jpg", *OUT, *FAST), ["here is a folder"]),
    "empty": (("empty.png", "style.jpg", *OUT, *FAST), ["empty.png", "empty"]),
    "truncated png": (("truncated.png", "style.jpg", *OUT, *FAST), ["truncated.png", "cut short"]),
    "truncated jpg": (("content.png", "truncated.jpg", *OUT, *FAST), ["truncated.jpg", "cut short"]),
    "text": (("content.png", "text.jpg", *OUT, *FAST), ["text.jpg", "not a picture", "PNG", "JPEG"]),
    "one pixel": (("pixel.png", "style.jpg", *OUT, *FAST), ["pixel.png", "1 x 1", "vgg16", "32"]),
    "too small": (("small.png", "style.jpg", *OUT, *FAST), ["small.png", "64 x 31", "vgg16", "32"]),
    "narrow once resized": (("content.png", "strip.png", *OUT, *FAST), ["strip.png", "resized", "64 x 8", "32"]),
    "too small for the backbone": ((*GOOD, "--backbone", "inceptionv3", "--size", "80"), ["content.png", "75"]),
    "size below the smallest": ((*GOOD, "--size", "31"), ["size=31", ">= 32", "vgg16"]),
    "unknown backbone": ((*GOOD, "--backbone", "alexnet"), ["backbone='alexnet'", *BACKBONES]),
    "unknown preset": ((*GOOD, "--preset", "monet"), ["preset='monet'", *presets.PRESETS]),
    "negative content weight": ((*GOOD, "--content-weight", "-1"), ["content_weight=-1.0", ">= 0"]),
    "negative style weight": ((*GOOD, "--style-weight=-0.5"), ["style_weight=-0.5", ">= 0"]),
    "weight that is no number": ((*GOOD, "--style-weight", "nan"), ["style_weight=nan", "finite"]),
    "infinite weight": ((*GOOD, "--total-variation-weight", "1e999"), ["total_variation_weight=inf", "finite"]),
    "no iterations": ((*GOOD, "--iterations", "0"), ["iterations=0", ">= 1"]),
    "negative seed": ((*GOOD, "--seed", "-1"), ["seed=-1", ">= 0"]),
    "unknown precision": ((*GOOD, "--precision", "float8"), ["precision='float8'", "float32", "bfloat16"]),
    "unknown pooling": ((*GOOD, "--pooling", "min"), ["pooling='min'", "max", "avg"]),
    "unknown init": ((*GOOD, "--init", "black"), ["init='black'", "content", "noise", "style"]),
    "missing start": ((*GOOD, "--init", "none.png"), ["none.png does not exist"]),
    "start that is no picture": ((*GOOD, "--init", "text.jpg"), ["text.jpg", "not a picture"]),
    "layer twice": ((*GOOD, "--style-layers", "block1_conv1,block1_conv1"), ["style_layers", "different"]),
    "size that is no number": ((*GOOD, "--size", "big"), ["--size", "'big'"]),
    "size that is not whole": ((*GOOD, "--size", "64.5"), ["--size", "'64.5'"]),
    "bits of no file": ((*GOOD, "--bits", "12"), ["bits must be 8 or 16", "12"]),
    "16 bits in a JPEG": (
        ("content.png", "style.jpg", "-o", "out.jpg", "--bits", "16"),
        ["out.jpg", "16 bits", ".png"],
    ),
    "opacity in a JPEG": (("content.png", "style.jpg", "-o", "out.jpg", "--keep-opacity"), ["opacity", ".tif"]),
    "unknown option": ((*GOOD, "--colour"), ["unrecognized", "--colour"]),
    "no output": (("content.png", "style.jpg", *FAST), ["-o/--output"]),
    "no style": (("content.png", *OUT, *FAST), ["STYLE"]),
    "nothing": ((), ["CONTENT"]),
    "output of an unknown kind": (("content.png", "style.jpg", "-o", "out.bmp", *FAST), ["out.bmp", ".png", ".jpg"]),
    "output without a suffix": (("content.png", "style.jpg", "-o", "out", *FAST), ["out", ".png"]),
    "output folder missing": (
        ("content.png", "style.jpg", "-o", "nowhere/out.png", "--trace", "trace.csv", *FAST),
        ["nowhere/out.png", "nowhere does not exist"],
    ),
    "output is a folder": (("content.png", "style.jpg", "-o", "here", *FAST), ["here", "folder"]),
    "trace folder missing": (
        ("content.png", "style.jpg", "-o", "out.png", "--trace", "nowhere/trace.csv", *FAST),
        ["nowhere/trace.csv", "nowhere does not exist"],
    ),
    "trace is a folder": (("content.png", "style.jpg", "-o", "out.png", "--trace", "here", *FAST), ["here", "folder"]),
    "trace over the picture": (
        ("content.png", "style.jpg", "-o", "out.png", "--trace", "./here/../out.png", *FAST),
        ["out.png", "two of the picture, the trace"],
    ),
    "one of two styles missing": (("content.png", "style.jpg", "none.jpg", *OUT, *FAST), ["none.jpg does not exist"]),
    "style weight too many": ((*GOOD, "--style-weights", "1,2"), ["style_weights", "each of 1 styles"]),
    "style weights that are no numbers": ((*GOOD, "--style-weights", "1;2"), ["--style-weights", "'1;2'"]),
    "style weights of 0": ((GOOD[0], *GOOD[1:2] * 2, *GOOD[2:], "--style-weights", "0,0"), ["weights", "sum above 0"]),
    "a share of one style": ((*GOOD, "--style-weights", "2"), ["--style-weights does nothing", "Received: 2"]),
    "pictures after the end": ((*GOOD, "--save-every", "3"), ["--save-every does nothing", "2 iterations"]),
    "a rule without a change": ((*GOOD, "--stop-over", "1"), ["stop_over does nothing", "stop_change", "stop_over=1"]),
    "a network of no loss": (
        (*GOOD, "--content-weight", "0", "--content-backbone", "vgg19"),
        ["content_backbone does nothing", "no loss that reads the content has a weight"],
    ),
    "a formula of no loss": (
        (*GOOD, "--style-normalization", "gatys", "--losses", '{"gram": {"weight": 0}}'),
        ["style_normalization does nothing", "Gram loss", '"none"', "style_normalization='gatys'"],
    ),
    "style scale too small": ((*GOOD, "--style-scale", "0.25"), ["size x style_scale=16", ">= 32", "vgg16"]),
    "missing mixture": (("content.png", "none.toml", *OUT, *FAST), ["none.toml does not exist"]),
    "picture of a mixture missing": (("content.png", "mixed.toml", *OUT, *FAST), ["none.jpg does not exist"]),
    "output over a picture of a mixture": (
        ("content.png", "mixed.toml", "-o", "style.jpg", *FAST),
        ["style.jpg", "overwrite that picture"],
    ),
    "line break in a name": (("content.png", "style.jpg", "-o", "no\nwhere/out.png", *FAST), [r"no\nwhere"]),
}

#: Bad input that only the network can tell.
KNOWN_LATER = {
    "unknown style layer": (
        (*GOOD, "--style-layers", "block1_conv1,block9_conv1"),
        ["layer='block9_conv1'", "vgg16", "block1_conv1", "block5_pool"],
    ),
    "unknown content layer": ((*GOOD, "--content-layers", "mixed4"), ["layer='mixed4'", "vgg16", "block4_conv2"]),
    "missing weights file": ((*GOOD, "--weights", "none.weights.h5"), ["none.weights.h5", "imagenet", "random"]),
    "weights file of another kind": ((*GOOD, "--weights", "text.jpg"), ["text.jpg", "vgg16"]),
}


@pytest.mark.parametrize(
    ("arguments", "words"), (KNOWN_AT_ONCE | KNOWN_LATER).values(), ids=KNOWN_AT_ONCE | KNOWN_LATER
)
def test_bad_input_ends_in_one_line_and_status_2_and_nothing_is_written(folder, arguments, words):
    before = files_in(folder)
    status, out, err = run(*arguments)
    assert status == 2
    assert out == ""
    assert re.fullmatch(r"nst: [^\n]+\n", err)
    for word in words:
        assert word in err
    assert files_in(folder) == before


_RUN_EACH = """
import contextlib, io, json, sys
from nstcore import cli
told = []
for arguments in json.load(sys.stdin):
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        try:
            status = cli.main(arguments)
        except SystemExit as stop:
            status = stop.code
    told.append([status, err.getvalue().count("\\n")])
loaded = [name for name in ("keras", "tensorflow", "jax", "torch", "luigi") if name in sys.modules]
print(json.dumps({"told": told, "loaded": loaded}))
"""


def test_what_can_be_known_at_once_is_told_without_importing_keras(folder):
    finished = subprocess.run(
        [sys.executable, "-c", _RUN_EACH],
        input=json.dumps([arguments for arguments, _ in KNOWN_AT_ONCE.values()]),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    answer = json.loads(finished.stdout)
    assert answer["loaded"] == []
    assert answer["told"] == [[2, 1]] * len(KNOWN_AT_ONCE)
    assert finished.stderr == ""


# A program in whose path this is `sitecustomize.py` writes at its end which modules it has imported.
_LIST_MODULES = """
import atexit, os, sys
atexit.register(lambda: open(os.environ["MODULES"], "w").write("\\n".join(sys.modules)))
"""


def module_of(place):
    """Where a registry says that something is, whose module is not to be imported before it is used."""
    module, _, member = place.partition(":")
    assert member
    assert importlib.util.find_spec(module)
    return module


def test_the_program_writes_picture_and_trace_and_prints_one_line(folder, tmp_path_factory):
    before = set(files_in(folder))
    beside = tmp_path_factory.mktemp("beside")
    (beside / "sitecustomize.py").write_text(_LIST_MODULES)
    finished = run_program(*GOOD, PYTHONPATH=f"{beside}{os.pathsep}{ROOT}", MODULES=str(beside / "modules"))
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert re.fullmatch(
        r"out\.png: 2 iterations, \d+ evaluations, [\d.]+ s in \w+, loss \S+ -> \S+; .*\n", finished.stdout
    )
    assert "weights: random" in finished.stdout
    assert set(files_in(folder)) - before == {"out.png", "trace.csv"}
    picture = imageio.imread("out.png")
    assert picture.shape == (48, 64, 3)
    assert (picture != read_picture("content.png")).mean() > 0.5
    with open("trace.csv", encoding="utf-8") as file:
        trace = Trace.from_csv(file)
    assert [iterate.iteration for iterate in trace] == [0, 1, 2]
    assert trace[2].total < trace[0].total
    # Of what the registries name it imports what it uses: each module that does more is waited for at every start.
    imported = set((beside / "modules").read_text().split("\n"))
    losses = {module_of(place): name for name, place in LOSSES.items()}
    optimizers = {module_of(entry.optimizer): name for name, entry in OPTIMIZERS.items()}
    converters = {module_of(package.convert) for package in (*PACKAGES.values(), *JUDGES.values())}
    assert {losses[module] for module in imported & losses.keys()} == {"content", "gram", "total_variation"}
    assert {optimizers[module] for module in imported & optimizers.keys()} == {TransferConfig().optimizer}
    assert imported & converters == set()


def test_the_program_tells_divergence_in_one_line_and_writes_nothing(folder):
    before = files_in(folder)
    finished = run_program(*GOOD, "--style-weight", "1e39")
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert re.fullmatch(r"nst: the \w+ loss became (inf|nan) at evaluation 1; [^\n]+\n", finished.stderr)
    assert files_in(folder) == before


def test_a_failed_run_leaves_the_files_of_an_earlier_one(folder):
    Path("out.png").write_bytes(b"earlier picture")
    Path("trace.csv").write_bytes(b"earlier trace")
    status, _, err = run(*GOOD, "--style-normalization", "none", "--style-weight", "1e38")
    assert status == 2
    assert "at evaluation 1" in err
    assert Path("out.png").read_bytes() == b"earlier picture"
    assert Path("trace.csv").read_bytes() == b"earlier trace"


def test_options_reach_the_settings(folder, monkeypatch):
    """The run itself is left out: what would have been run is looked at."""
    seen = []

    class Stop(StyleTransferError):
        pass

    def stop(options, scene, config, frames):
        seen.append(config)
        raise Stop("far enough")

    monkeypatch.setattr(cli, "_transfer", stop)
    run(
        *("content.png", "style.jpg", "-o", "out.png", "--backbone", "resnet50", "--preset", "gatys2016"),
        *("--size", "96", "--iterations", "7", "--precision", "bfloat16", "--seed", "5", "--weights", "own.h5"),
        *("--pooling", "max", "--init", "style", "--optimizer", "lbfgs", "--content-weight", "2"),
        *("--style-weight", "3", "--total-variation-weight", "4", "--style-normalization", "none"),
        *("--total-variation", "squared", "--content-layers", "a, b", "--style-layers", "c", "--style-scale", "0.75"),
    )
    run("content.png", "style.jpg", "-o", "out.png", "--preset", "gupta2019")
    everything, defaults = seen
    assert everything == presets.get(
        "gatys2016",
        backbone="resnet50",
        size=96,
        iterations=7,
        precision="bfloat16",
        seed=5,
        weights="own.h5",
        pooling="max",
        init="style",
        optimizer="lbfgs",
        content_weight=2,
        style_weight=3,
        total_variation_weight=4,
        style_normalization="none",
        total_variation="squared",
        content_layers=("a", "b"),
        style_layers=("c",),
        style_scale=0.75,
    )
    # The contract's defaults: vgg19, 512, 200; the preset's where the contract names none.
    assert defaults == presets.get("gupta2019", backbone="vgg19", size=512, iterations=200, precision="auto", seed=0)


def test_without_a_trace_option_only_the_picture_is_written(folder):
    before = set(files_in(folder))
    status, out, err = run("content.png", "style.jpg", "-o", "here/out.jpg", *FAST, "--quiet")
    assert (status, err) == (0, "")
    assert out.startswith("here/out.jpg: 2 iterations")
    assert set(files_in(folder)) - before == {str(Path("here/out.jpg"))}
    assert imageio.imread("here/out.jpg").shape == (48, 64, 3)


def test_a_result_of_16_bits_keeps_the_opacity_of_the_content(folder, content_picture):
    opacity = np.zeros(content_picture.shape[:2], np.uint8)
    opacity[:, : opacity.shape[1] // 2] = 255
    imageio.imwrite("clear.png", np.dstack([content_picture, opacity]))
    common = ("clear.png", "style.jpg", *FAST, "--keep-opacity")
    assert [run(*common, "-o", name, *more)[0] for name, more in (("8.png", ()), ("16.tif", ("--bits", "16")))] == [
        0,
        0,
    ]
    eight, sixteen = imageio.imread("8.png"), tifffile.imread("16.tif")
    assert eight.shape == sixteen.shape
    assert sixteen.dtype == np.uint16
    half = eight.shape[1] // 2
    assert (eight[:, : half - 3, 3] == 255).all()
    assert (eight[:, half + 3 :, 3] == 0).all()
    assert np.abs(sixteen / 257 - eight).max() <= 0.51  # the same but for rounding
    assert len(np.unique(sixteen[..., :3] % 257)) > 100  # and more than 8 bits
    status, out, _ = run("content.png", "style.jpg", *FAST, "--keep-opacity", "-o", "plain.png")
    assert (status, imageio.imread("plain.png").shape[2]) == (0, 3)
    assert "the content picture has no transparency to keep" in out


def test_several_styles_and_a_mixture_with_regions(folder, content_picture):
    """What is made of what is found beside the pictures, and what of that is said."""
    Path("mixed.toml").write_text(
        '[[style]]\npicture = "style.jpg"\nweight = 2\n[[style]]\npicture = "small.png"\nregion = "#f00"\n'
    )
    Path("small.png").unlink()
    write_picture("small.png", content_picture[::-1])
    both = ("content.png", "style.jpg", "small.png", "-o", "out.png", *FAST, "--quiet")
    status, out, err = run(*both, "--style-weights", "2,1", "--style-scale", "1.5")
    assert (status, err) == (0, "")
    assert "; style.jpg has 40 x 64 pixels and is enlarged to 60 x 96; small.png has 64 x 48 pixels and is" in out
    mixture = ("content.png", "mixed.toml", "-o", "out.png", *FAST, "--quiet")
    status, out, err = run(*mixture)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "for the region #ff0000, but the content picture has no map of regions (NAME.regions.png)" in err
    painted = np.zeros((48, 64, 3), np.uint8)
    painted[:, :20, 0] = 255
    write_picture("content.regions.png", painted)
    status, out, err = run(*mixture)
    assert (status, err) == (0, "")
    assert out.rstrip().endswith("; regions #000000, #ff0000")
    status, out, err = run(*both)
    assert (status, err) == (0, "")
    assert out.rstrip().endswith("; content.regions.png not used, because no style has regions")
    status, out, err = run(*both, "--no-regions")
    assert (status, err) == (0, "")
    assert "regions" not in out


def test_an_interrupted_run_says_so_and_writes_nothing(folder, monkeypatch):
    def interrupted(*arguments, **others):
        raise KeyboardInterrupt

    before = files_in(folder)
    monkeypatch.setattr("nstcore.transfer.transfer", interrupted)
    status, out, err = run(*GOOD)
    assert (status, out) == (130, "")
    assert re.fullmatch(r"nst: interrupted[^\n]*\n", err)
    assert files_in(folder) == before


def test_help_and_version_are_answered_on_stdout():
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    for word in (*BACKBONES, *presets.PRESETS, "--trace", "--seed"):
        assert word in out
    status, out, err = run("--version")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"nst \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize("output", ["content.png", "./content.png"])
def test_a_picture_that_goes_in_is_not_overwritten(folder, output):
    before = files_in(folder)
    status, _, err = run("content.png", "style.jpg", "-o", output, *FAST)
    assert status == 2
    assert err == f"nst: {output}: would overwrite that picture; name another file\n"
    assert files_in(folder) == before


def test_nor_is_one_to_start_from_nor_one_that_is_named_like_a_picture_on_the_way(folder, content_picture):
    for name in ("start.png", "out-0010.png"):
        write_picture(folder / name, content_picture)
    before = files_in(folder)
    status, _, err = run("content.png", "style.jpg", "-o", "start.png", "--init", "./start.png", *FAST)
    assert (status, err) == (2, "nst: start.png: would overwrite that picture; name another file\n")
    status, _, err = run("out-0010.png", "style.jpg", "-o", "out.png", "--save-every", "5", *FAST)
    assert (status, err) == (2, "nst: out.png: --save-every could overwrite out-0010.png; name another file\n")
    assert files_in(folder) == before


def test_a_backend_that_does_not_exist_is_one_line(folder):
    done = run_program(*GOOD, KERAS_BACKEND="abacus")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "abacus" in done.stderr
    assert "tensorflow, jax, torch" in done.stderr


def test_what_keras_and_matplotlib_are_set_to_for_other_work_changes_nothing(folder):
    Path("keras.json").write_text('{"floatx": "float16", "epsilon": 0.1, "image_data_format": "channels_first"}')
    done = run_program(
        *GOOD, "--precision", "float32", KERAS_HOME=str(folder), MPLBACKEND="module://matplotlib_inline.backend_inline"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert run(*GOOD, "--precision", "float32", "-o", "here.png", "--trace", "here.csv")[0] == 0
    ours, others = (Trace.from_csv(Path(name).read_text().splitlines()) for name in ("here.csv", "trace.csv"))
    for one, other in zip(ours, others, strict=True):
        assert other.total == pytest.approx(one.total, rel=1e-6)


def test_a_backend_of_the_settings_file_is_named_with_the_file(folder):
    Path("keras.json").write_text('{"backend": "abacus"}')
    done = run_program(*GOOD, KERAS_HOME=str(folder), KERAS_BACKEND="")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "abacus" in done.stderr
    assert str(folder / "keras.json") in done.stderr


def test_a_place_that_cannot_be_written_is_known_before_anything_is_computed(
    folder, public_folder, unprivileged, monkeypatch
):
    def started(*arguments):
        raise AssertionError("the pictures are optimised")

    monkeypatch.setattr(cli, "_transfer", started)
    (public_folder / "closed").mkdir(mode=0o555)
    for option, other in (("-o", "--trace"), ("--trace", "-o")):
        names = {"-o": "out.png", "--trace": "trace.csv"}
        places = (option, str(public_folder / "closed" / names[option]), other, str(public_folder / names[other]))
        with unprivileged():
            status, out, err = run("content.png", "style.jpg", *places, *FAST)
        assert (status, out) == (2, "")
        assert re.fullmatch(rf"nst: \S+/{names[option]}: cannot be written \(Permission denied\); [^\n]+\n", err)
    assert [path.name for path in public_folder.rglob("*")] == ["closed"]


@pytest.mark.parametrize("lost", ["out.png", "trace.csv"])
def test_a_result_whose_folder_is_gone_when_it_is_made_is_not_lost(folder, monkeypatch, lost):
    real = cli._transfer
    Path("there").mkdir()

    def transfer(*arguments):
        result = real(*arguments)
        Path("there").rmdir()
        return result

    monkeypatch.setattr(cli, "_transfer", transfer)
    places = {name: f"there/{name}" if name == lost else name for name in ("out.png", "trace.csv")}
    status, out, err = run("content.png", "style.jpg", "-o", places["out.png"], "--trace", places["trace.csv"], *FAST)
    assert (status, out, err.count("\n")) == (2, "", 1)
    (kept,) = folder.glob(f"nst-kept-*/{lost}")
    (written,) = {"out.png", "trace.csv"} - {lost}
    assert re.search(rf"there/{lost}: cannot be written.*kept instead: {kept}; written: {written}", err)
    assert read_picture(kept if lost == "out.png" else "out.png").shape == (48, 64, 3)
    assert len((kept if lost == "trace.csv" else Path("trace.csv")).read_text().splitlines()) == 4


@pytest.mark.parametrize("weights", ["~nosuchuser/own.h5", "x" * 300, "closed/own.h5", "closed.h5"])
def test_weights_that_cannot_be_looked_at_are_one_line(folder, public_folder, unprivileged, weights):
    (public_folder / "closed").mkdir(mode=0)
    (public_folder / "closed.h5").touch(mode=0)
    for name in ("content.png", "style.jpg"):
        (public_folder / name).write_bytes(Path(name).read_bytes())
    with contextlib.chdir(public_folder), unprivileged():
        status, out, err = run("content.png", "style.jpg", "-o", "out.png", *FAST, "--weights", weights)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert re.search(r"home folder that is not known|cannot be read \((File name too long|Permission denied)\); c", err)
    assert "[Errno" not in err
    assert not (public_folder / "out.png").exists()


def test_without_a_home_random_weights_need_none(folder, monkeypatch):
    drop_kept()  # or the process may have the weights already
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # as for a user that the system does not know
    for name in ("NSTCORE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    assert run("content.png", "style.jpg", "-o", "out.png", *FAST)[0] == 0
    status, _, err = run("content.png", "style.jpg", "-o", "other.png", *FAST, "--weights", "imagenet")
    assert (status, err.count("\n")) == (2, 1)
    assert "set NSTCORE_CACHE" in err


class Interrupting:
    """The progress bar, at whose third iteration a person presses Ctrl-C."""

    def __init__(self, **_):
        self.n = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, steps):
        self.n += steps
        if self.n == 3:
            raise KeyboardInterrupt

    def reset(self, _):
        self.n = 0

    def set_description(self, *_, **__):
        pass

    def set_postfix(self, **_):
        pass


def test_the_same_command_goes_on_from_a_state(folder, monkeypatch):
    monkeypatch.setattr("nstcore.user_state._SECONDS", 1e-9)
    monkeypatch.setattr("nstcore.state_keeper._SHARE", 1e9)
    words = ["content.png", "style.jpg", "-o", "out.png", *FAST[:-1], "6", "--save-every", "2", "--film", "film.gif"]
    assert run(*words, "--quiet")[0] == 0
    made = {path: Path(path).read_bytes() for path in ("out.png", "film.gif", "out-0002.png", "out-0004.png")}
    for path in made:
        Path(path).unlink()
    words += ["--state", "state.npz"]
    with monkeypatch.context() as patched:
        patched.setattr(cli, "tqdm", Interrupting)
        status, _, err = run(*words)
    assert status == 130
    assert err == "nst: interrupted; the same command goes on from state.npz\n"
    assert not Path("out.png").exists()
    status, out, _ = run(*words, "--quiet")
    assert status == 0
    assert "; taken up at iteration 2 of 64 px" in out
    assert {path: Path(path).read_bytes() for path in made} == made
    assert not Path("state.npz").exists()


def test_a_state_is_never_written_over_something_else(folder):
    words = ["content.png", "style.jpg", "-o", "out.png", *FAST, "--state"]
    for place, reason in (
        ("mixed.toml", "is not the state of a transfer"),
        ("content.png", "overwrite that picture"),
        ("out.png", "two of the picture"),
        ("missing/state.npz", "does not exist"),
        ("here", "is a folder"),
    ):
        status, _, err = run(*words, place)
        assert status == 2
        assert reason in err
        assert err.count("\n") == 1
    Path("state.npz").touch()  # an empty file is nobody's
    assert run(*words, "state.npz", "--quiet")[0] == 0
