"""PaperFigures through Luigi, in process, at a tiny size: the pages, what is made again, and what fails."""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
from pathlib import Path

import luigi
import pytest

from nstcore import ConfigError, PictureError
from nstcore.pictures.images import write_picture
from pipeline.grid.paths import runs_folder
from pipeline.sharing import shared_run
from pipeline.sharing.leases import take
from tasks import PaperFigures

HOSTILE = "it's <b>“quoted”<b> & 中文"


@pytest.fixture
def inputs(tmp_path, blotches):
    """A content and a style whose name is hostile."""
    for folder, name, seed in (("content", HOSTILE, 3), ("style", "ink", 4)):
        (tmp_path / folder).mkdir()
        write_picture(tmp_path / folder / f"{name}.png", blotches(seed, 90, 110))
    return tmp_path


def task(inputs: Path, **others) -> PaperFigures:
    return PaperFigures(
        **{
            "paper": "bordag",
            "content_dir": str(inputs / "content"),
            "style_dir": str(inputs / "style"),
            "content": HOSTILE,
            "style": "ink",
            "size": 80,
            "iterations": 2,
            "weights": "random",
            "output_dir": str(inputs / "outputs"),
            **others,
        }
    )


def files(inputs: Path) -> dict[str, int]:
    root = inputs / "outputs"
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in sorted(root.rglob("*")) if path.is_file()}


def summary_of(job: PaperFigures, paper: str) -> dict:
    return json.loads((job.folder() / f"{paper}.json").read_text())


def test_a_paper_leaves_its_page_and_the_overview_and_a_second_run_does_nothing(inputs, run):
    job = task(inputs)
    assert run(job).status == luigi.LuigiStatusCode.SUCCESS
    overview, page = ((job.folder() / name).read_text() for name in ("index.html", "bordag.html"))
    for text in (overview, page):
        assert "it&#39;s &lt;b&gt;" in text
        assert "untrained" in text
        assert "<b>“" not in text
    assert 'href="bordag.html#axes"' in overview
    linked = re.findall(r'src="(figures/[^"]+)"', page)
    assert linked
    assert all((job.folder() / name).is_file() for name in linked)
    before = files(inputs)
    assert task(inputs).complete()
    assert run(task(inputs)).status == luigi.LuigiStatusCode.SUCCESS
    assert files(inputs) == before


@pytest.mark.parametrize("scale", [{}, {"size": 0, "iterations": 0}])
def test_studies_with_the_same_cells_share_their_report(inputs, scale):
    """Under two titles each would make the other's anew, and none of their papers would ever be complete."""
    grids = [study.grid() for study in task(inputs, paper="all", **scale).studies()]
    shared = [pair for pair in itertools.combinations(grids, 2) if pair[0].digest == pair[1].digest]
    assert shared
    for one, other in shared:
        assert one.answers(other), (one.title, other.title)


def test_a_case_that_fails_still_gives_the_page_which_says_so_and_the_run_fails(inputs, run):
    """Layers that do not exist fail every cell of the study."""
    job = task(inputs, settings={"style_layers": ["nonesuch"]})
    for _ in range(2):  # a failure is tried again, and fails again
        result = run(job)
        assert result.status == luigi.LuigiStatusCode.FAILED
        assert "FailedCell" in result.summary_text
    tested = next(claim for claim in summary_of(job, "bordag")["claims"] if claim["kind"] == "tested")
    assert tested["outcome"] == "not judged"
    assert "nonesuch" in tested["evidence"]
    assert "not judged" in (job.folder() / "index.html").read_text()


def test_a_page_is_as_complete_at_its_turn_as_when_it_was_asked_though_a_run_of_others_ends_between(inputs, run):
    """Else Luigi finds that what the overview needs has come undone, and ends with a traceback."""
    settings = {"style_layers": ["nonesuch"]}
    output = inputs / "outputs"
    others = take(runs_folder(output) / "others.json", {"run": "theirs"})
    try:
        run(task(inputs, settings=settings))
        (page,) = task(inputs, settings=settings).requires()
        assert page.complete()  # its cells have failed in a run that goes on
    finally:
        others.release()
    shared_run.run_of(output, as_of_now=True)
    assert page.complete()
    shared_run.leave()
    assert not page.complete()  # in the next run they are tried again
    shared_run.leave()


def test_a_paper_whose_settings_diverge_is_judged_by_that(inputs, run):
    job = task(inputs, settings={"style_weight": 1e38})
    assert run(job).status == luigi.LuigiStatusCode.SUCCESS
    summary = summary_of(job, "bordag")
    assert summary["failed"] == []
    assert all("loss became inf" in reason for *_, reason in summary["diverged"])
    assert summary["diverged"]
    assert "not testable" in {claim["outcome"] for claim in summary["claims"]}


def test_a_broken_picture_still_gives_the_page(inputs, run):
    (inputs / "content" / f"{HOSTILE}.png").write_bytes(b"no picture")
    job = task(inputs)
    assert run(job).status == luigi.LuigiStatusCode.FAILED
    tested = [claim["outcome"] for claim in summary_of(job, "bordag")["claims"] if claim["kind"] == "tested"]
    assert set(tested) == {"not judged"}
    assert not job.complete()


def test_a_picture_that_is_not_there_fails_with_its_name(inputs, run, caplog):
    job = task(inputs, content="nonesuch")
    assert run(job).status != luigi.LuigiStatusCode.SUCCESS
    assert not (job.folder() / "index.html").exists()


def test_networks_are_trained_on_the_contents_unless_there_are_too_few_or_others_are_named(
    inputs, blotches, monkeypatch
):
    monkeypatch.chdir(inputs)  # where no photographs are

    def trained(**others) -> dict[str, str]:
        studies = (study.study() for study in task(inputs, paper="khan", **others).studies())
        return {each.title: each.training.photographs_dir for each in studies if each.methods == ("feedforward",)}

    assert trained() == {}  # one to train on and one that is held out
    assert set(trained(photographs_dir="nonesuch").values()) == {"nonesuch"}
    with pytest.raises(PictureError, match="nonesuch: no such folder"):
        task(inputs, paper="khan", photographs_dir="nonesuch").check()
    write_picture(inputs / "content" / "other.png", blotches(6, 90, 110))
    assert set(trained().values()) == {""}
    assert len(trained()) == 4


@pytest.mark.slow
def test_several_pairs_are_one_page_and_share_their_cells(inputs, run, blotches):
    write_picture(inputs / "style" / "oil.png", blotches(5, 90, 100))
    assert run(task(inputs)).status == luigi.LuigiStatusCode.SUCCESS
    before = {name for name in files(inputs) if name.startswith("cells/")}
    job = task(inputs, contents=[HOSTILE], styles=["ink", "oil"])
    assert job.folder() != task(inputs).folder()
    assert run(job).status == luigi.LuigiStatusCode.SUCCESS
    after = {name: written for name, written in files(inputs).items() if name.startswith("cells/")}
    assert before < after.keys()
    assert {name.split("/")[2] for name in after.keys() - before} == {"oil"}
    (descent,) = (claim for claim in summary_of(job, "bordag")["claims"] if "Descent by gradients" in claim["text"])
    assert descent["n"] == "n = 2 pairs"
    assert "2 pairs of pictures" in (job.folder() / "index.html").read_text()


def test_sizes_do_not_overwrite_each_other(inputs):
    assert task(inputs).folder() != task(inputs, size=96).folder() != task(inputs, papers_own_size=True).folder()


@pytest.mark.parametrize("left", [0.0, 0.5], ids=["empty", "cut"])
def test_damaged_pages_are_made_anew_with_all_that_belongs_to_them_and_no_cell_is(inputs, run, caplog, left):
    assert run(task(inputs)).status == luigi.LuigiStatusCode.SUCCESS
    before, folder = files(inputs), task(inputs).folder()
    lost = [folder / "bordag.html", folder / "bordag.json", folder / "index.html", next(folder.glob("figures/*.svg"))]
    for path in lost:
        os.truncate(path, int(left * path.stat().st_size))
    caplog.clear()
    assert run(task(inputs)).status == luigi.LuigiStatusCode.SUCCESS
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert sorted(line.partition(": ")[0] for line in told) == sorted(map(str, lost))
    assert all(path.stat().st_size for path in lost)
    made = {name for name, written in files(inputs).items() if before.get(name) != written}
    assert {name.split("/")[0] for name in made} == {"papers"}
    assert task(inputs).complete()
    for path in (inputs / "outputs").rglob("*"):  # as another machine's clock would have it
        os.utime(path, (0, 0) if len(path.name) % 2 else None)
    assert task(inputs).complete()


@pytest.mark.parametrize(
    "others",
    [{"contents": ("other",)}, {"large": True}, {"style": "brushwork", "styles": ("ink",), "content": ""}],
    ids=lambda each: "+".join(each),
)
def test_a_picture_that_would_be_passed_over_is_refused(inputs, others):
    with pytest.raises(ConfigError, match=r"--(content|style) names one picture"):
        task(inputs, **others).check()
