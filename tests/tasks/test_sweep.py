"""A study from a file, run in process: its report names what failed and shows all the rest."""

from __future__ import annotations

import csv
import datetime
import html

import luigi
import numpy as np
import pytest

from nstcore import ConfigError
from nstcore.pictures.images import write_picture
from tasks import NightlyGrid, Sweep

STUDY = """
title = "A hundred cases"
content_dir = "{folder}/content"
style_dir = "{folder}/style"
backbones = ["vgg16"]

[settings]
size = 32
iterations = 1
weights = "random"
style_layers = ["block1_conv1"]
content_layers = ["block1_conv2"]
"""
BAD = {
    "out of range": "seed = -1",
    "no such choice": 'pooling = "median"',
    "no such layer <script>alert(1)</script>": 'style_layers = ["conv9"]',
}


def test_a_study_of_a_hundred_cases_of_which_three_fail_has_its_report(tmp_path, run):
    for seed, folder in enumerate(("content", "style")):
        (tmp_path / folder).mkdir()
        picture = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
        write_picture(tmp_path / folder / f"{folder}.png", picture)
    cases = {f"seed {seed}": f"seed = {seed}" for seed in range(97)} | BAD
    tables = [f'[[cases]]\nname = "{name}"\n{settings}\n' for name, settings in cases.items()]
    study = STUDY.format(folder=tmp_path.as_posix())
    (tmp_path / "study.toml").write_text("\n".join([study, *tables]), encoding="utf-8")
    task = Sweep(config=str(tmp_path / "study.toml"), output_dir=str(tmp_path / "outputs"))

    assert run(task).status == luigi.LuigiStatusCode.FAILED

    report = tmp_path / "outputs" / "reports" / task.grid().digest
    with (report / "grid.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100
    failed = {row["variant"].removeprefix("case "): row["reason"] for row in rows if row["status"] == "failed"}
    assert failed.keys() == BAD.keys()
    assert "seed must be a whole number" in failed["out of range"]
    assert "pooling must be one of max, avg" in failed["no such choice"]
    assert "conv9" in failed["no such layer <script>alert(1)</script>"]
    page = (report / "index.html").read_text(encoding="utf-8")
    assert "A hundred cases" in page
    missing = html.unescape(page[page.index("What is missing") : page.index("A row per content")])
    assert all(f"(VGG16, case {name})" in missing for name in failed)
    assert all(html.escape(reason, quote=False)[:40] in page for reason in failed.values())
    assert "<script>alert(1)</script>" not in page
    assert (report / "variants" / "content--style.png").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sweep]\nstyle_weight = [-5]", "style_weight must be a finite number >= 0"),
        ('[sweep]\nstyle_weight = ["a"]', "style_weight must be a finite number >= 0"),
        ("[sweep]\nstyle_wait = [5]", "style_wait"),
        ("[settings]\nsize = 1", "size"),
        ("sweep = 3", "sweep must be a table"),
    ],
)
def test_what_cannot_be_of_a_study_is_told_with_its_file(tmp_path, text, said):
    study, picture = tmp_path / "study.toml", tmp_path / "pictures" / "one.png"
    picture.parent.mkdir()
    write_picture(picture, np.zeros((40, 40, 3), np.uint8))
    folder = picture.parent.as_posix()
    study.write_text(f'content_dir = "{folder}"\nstyle_dir = "{folder}"\n{text}', encoding="utf-8")
    night = NightlyGrid(date=datetime.date(2026, 11, 28), config=str(study), output_dir=str(tmp_path / "outputs"))
    for task in (Sweep(config=str(study)), night):
        with pytest.raises(ConfigError) as told:
            task.check()
        assert str(told.value).startswith(f"{study}: ")
        assert str(told.value).count(str(study)) == 1
        assert said in str(told.value)
