"""The papers: their studies can be run at every scale, and their pages show every claim, whatever the names."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from nstcore import BACKBONES, ConfigError, build_objective, presets
from nstcore.failures import DIVERGED
from nstcore.pictures.resizing import size_at
from nstcore.result import Iterate, Trace
from pipeline.grid.study import Axis, Choice, Study
from pipeline.papers import PAPERS, Evidence, Finding, Missing, Sample, Setup, choose, key_of, sample_of
from pipeline.papers.computed import BASELINES
from pipeline.papers.evidence import NotPlanned
from pipeline.papers.figures import by_rounds, draw, draw_untransferred
from pipeline.papers.judging import LOOKS
from pipeline.papers.page import command, judge, overview_html, paper_html
from pipeline.papers.quantity import FEWEST_FOR_A_TEST
from pipeline.papers.setup import (
    LARGE_CONTENTS,
    LARGE_FEWER_CONTENTS,
    LARGE_FEWER_STYLES,
    LARGE_SEEDS,
    LARGE_STYLES,
    SAMPLE_PORTRAITS,
    weighed_by_area,
)
from pipeline.report.page import PageFigure, ReportCell
from pipeline.samples.catalog import SAMPLES
from tests.pipeline.papers.invented import SETUP, SOFT, evidence_for

EVERY_PAPER = pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
EVERY_STUDY = pytest.mark.parametrize(
    ("paper", "name"), [(paper, name) for paper in PAPERS.values() for name in paper.studies]
)


def test_a_cell_that_was_not_measured_says_why():
    bare = Finding(("a", "vgg19"), ReportCell("c", "s", "vgg19", "done", {}, unmeasured="no judge"))
    with pytest.raises(Missing, match=r"VGG19 was not measured \(no judge\)"):
        bare.measure("ssim")


def test_the_large_set_is_of_sample_pictures_of_several_kinds():
    names = {kind: {sample.name for sample in SAMPLES if sample.kind == kind} for kind in ("content", "style")}
    assert set(LARGE_CONTENTS) <= names["content"]
    assert set(LARGE_STYLES) <= names["style"]
    assert set(SAMPLE_PORTRAITS) < set(LARGE_CONTENTS)
    assert (len(LARGE_CONTENTS), len(LARGE_STYLES)) == (6, 5)
    assert set(SAMPLE_PORTRAITS) < set(LARGE_FEWER_CONTENTS) < set(LARGE_CONTENTS)
    assert set(LARGE_FEWER_STYLES) < set(LARGE_STYLES)
    assert len(LARGE_FEWER_CONTENTS) * len(LARGE_FEWER_STYLES) >= FEWEST_FOR_A_TEST


@EVERY_STUDY
def test_of_the_large_set_a_papers_main_studies_take_every_pair_and_seed_and_the_others_enough_for_a_test(paper, name):
    large = Setup(
        *("contents", "styles", LARGE_CONTENTS, LARGE_STYLES, SAMPLE_PORTRAITS),
        seeds=LARGE_SEEDS,
        fewer_contents=LARGE_FEWER_CONTENTS,
        fewer_styles=LARGE_FEWER_STYLES,
        large=True,
    )
    study, main = large.study(paper, name), name in paper.main
    if name == "photographs":
        assert (study.contents, study.styles) == (LARGE_CONTENTS, SAMPLE_PORTRAITS)
    elif name == "portrait_rates":
        assert (study.contents, study.styles) == (SAMPLE_PORTRAITS, LARGE_FEWER_STYLES)
    else:
        assert study.contents == (LARGE_CONTENTS if main else LARGE_FEWER_CONTENTS)
        assert study.styles == (LARGE_STYLES if main else LARGE_FEWER_STYLES)
    seeds = [len(axis.choices) for axis in study.axes if axis.name == "seed"]
    assert seeds in ([], [3 if main else 1])
    assert paper.main


def configs(setup, paper, name):
    for combination in setup.study(paper, name).combinations():
        for backbone in combination.backbones:
            yield presets.get(combination.preset, **{**combination.settings, "backbone": backbone}).resolved()


@EVERY_STUDY
def test_every_study_expands_to_settings_that_its_backbones_take(paper, name):
    for scale, others in ((paper.scaled, {}), (paper.large, {"large": True}), (paper.own, {"own_size": True})):
        setup = replace(SETUP, **others)
        study = setup.study(paper, name)
        assert study.contents in (("china",), ("chelsea",))
        for config in configs(setup, paper, name):
            assert config.size == scale.size
            assert 1 <= config.iterations <= 8 * scale.iterations
    assert paper.large.size == 256


@EVERY_STUDY
def test_a_paper_is_run_by_its_own_presets_and_ours_stand_apart(paper, name):
    """Settings of ours cannot slip into a verdict under a paper's."""
    # Of the last no paper gives weights, and those of two networks have two scales.
    ours = name in ("balanced", "our_ratios", "further_losses", "mixing")
    for config in configs(SETUP, paper, name):
        of_patches = config.losses.get("gram", {}).get("weight", 1.0) == 0
        assert (config.style_normalization == "balanced") == (ours or (of_patches and name in ("mrf", "photographs")))


def test_lisciandrello_goes_by_descent_and_xu_by_rescaled_filters():
    for name in ("networks", "rates", "ratio", "resnet50_layers", "total_variation"):
        for config in configs(SETUP, PAPERS["lisciandrello"], name):
            assert config.optimizer == "sgd"
            assert config.optimizer_settings["decay_steps"] == 100
    assert all(config.filters == "normalized" for config in configs(SETUP, PAPERS["xu2016"], "ratios"))
    (gupta, *_) = configs(SETUP, PAPERS["gupta2019"], "comparison")
    assert gupta.optimizer_settings["restart_every"] == 20


def test_losses_weigh_at_every_size_as_at_the_papers_own():
    """By the formulas' gradients of a pixel: 1/M of eq. 4, M without its denominator, and 1 of sums."""
    setup, paper = replace(SETUP, size=300), PAPERS["lisciandrello"]
    share = (300 / 600) ** 2
    (vgg19, _) = configs(setup, paper, "networks")
    assert vgg19.style_weight == pytest.approx(1e-6 * share)
    gatys, none = configs(setup, paper, "normaliser")
    assert (gatys.style_weight, none.style_weight) == pytest.approx((1e-6 * share, 1e-6 / share))
    assert vgg19.total_variation_weight == none.total_variation_weight == 1e-6
    (at_own_size, _) = configs(replace(SETUP, own_size=True), paper, "networks")
    assert at_own_size.style_weight == pytest.approx(1e-6)
    for config in configs(setup, paper, "balanced"):
        assert config.style_weight == 40
    axis = Axis("weight", (Choice("2", {"style_weight": 2.0}),))
    study = weighed_by_area(Study(preset="gatys2015", backbones=("vgg19",), axes=(axis,)), 0.25)
    assert study.axes[0].choices[0].settings["style_weight"] == 0.5


def test_networks_are_trained_as_long_as_the_scale_says():
    paper = PAPERS["khan"]
    steps = {name: SETUP.study(paper, name).training.settings["steps"] for name in ("nearest", "stopped")}
    assert steps == {"nearest": 200, "stopped": 20}
    own = replace(SETUP, own_size=True).study(paper, "stopped").training
    assert (own.settings["steps"], own.network) == (4000, "")  # network, rate and batches are the preset's
    asked = replace(SETUP, iterations=1, photographs_dir="photographs").study(paper, "transposed").training
    assert (asked.settings["steps"], asked.settings["upsampling"]) == (2, "transposed")
    assert (asked.network, asked.photographs_dir) == ("small", "photographs")
    resolved = SETUP.study(paper, "nearest").training.resolved(
        "khan2019-feedforward", next(configs(SETUP, paper, "nearest"))
    )
    assert resolved.training_settings().decay == 1.0  # else a training that is stopped is none of the whole
    assert resolved.network_settings().upsampling == "nearest"


def test_without_photographs_no_network_is_trained_and_its_claims_are_not_judged():
    setup, paper = replace(SETUP, trains=False), PAPERS["khan"]
    assert set(setup.studies(paper)) == set(paper.studies) - {
        "nearest",
        "transposed",
        "stopped",
        "realistic",
    }
    judged = judge(paper, setup, evidence_for(paper, setup=setup))["claims"]
    (faster,) = (claim for claim in judged if "much faster than" in claim["text"])
    assert faster["outcome"] == "not judged"


def test_cells_of_two_methods_have_two_keys():
    optimized = ReportCell("c", "s", "vgg19", "done", {}, variant=(("layers", "A"),))
    trained = replace(optimized, method="feedforward")
    assert key_of("x", optimized) == ("x", "vgg19", "A")
    assert key_of("x", trained) == ("x", "vgg19", "feedforward", "A")
    assert Finding(key_of("x", trained), trained).name == "VGG19, feed-forward, layers A"
    with pytest.raises(Missing, match="was made by no network"):
        _ = Finding(key_of("x", optimized), optimized).network


def test_seeds_vary_where_a_study_starts_from_noise_and_nowhere_else():
    setup = replace(SETUP, seeds=(0, 1, 2))
    assert len(list(configs(setup, PAPERS["gupta2019"], "comparison"))) == 3 * 4
    assert len(list(configs(setup, PAPERS["lisciandrello"], "networks"))) == 2
    assert len(list(configs(setup, PAPERS["khan"], "method"))) == 3
    assert len(list(configs(setup, PAPERS["khan"], "balanced"))) == 1
    cell = ReportCell("c", "s", "vgg19", "done", {}, variant=(("layers", "A"), ("seed", "2")))
    assert key_of("table", cell) == ("table", "vgg19", "A")
    assert sample_of(cell) == Sample("c", "s", 2)
    assert Finding(("table", "vgg19", "A"), cell).name == "VGG19, layers A"


def test_a_cell_without_noise_is_found_from_every_seed():
    evidence = Evidence(
        {(Sample("c", "s"), ("a", "vgg19")): Finding(("a", "vgg19"), ReportCell("c", "s", "vgg19", "done", {}))}
    )
    assert evidence.view(Sample("c", "s", 2))["a", "vgg19"].name == "VGG19"
    with pytest.raises(Missing, match="was not run"):
        evidence.view(Sample("c", "t"))["a", "vgg19"]


def test_a_cell_that_starts_from_one_seed_is_no_cell_of_another():
    cell = ReportCell("c", "s", "vgg19", "done", {}, variant=(("seed", "0"),))
    evidence = Evidence({(sample_of(cell), key_of("a", cell)): Finding(key_of("a", cell), cell)})
    assert evidence.view(Sample("c", "s", 0))["a", "vgg19"].seeded
    with pytest.raises(NotPlanned, match="was not run"):
        evidence.view(Sample("c", "s", 1))["a", "vgg19"]


def test_studies_of_portraits_take_them_and_are_left_out_without_any():
    paper = PAPERS["xu2016"]
    study = SETUP.study(paper, "photographs")
    assert (study.contents, study.styles, study.style_dir) == (("china",), ("chelsea",), SETUP.content_dir)
    without = replace(SETUP, portraits=())
    assert set(SETUP.studies(paper)) - set(without.studies(paper)) == {"photographs"}
    assert "portrait_rates" not in without.studies(PAPERS["lisciandrello"])


@pytest.fixture(scope="module")
def layers_of():
    return {name: {layer.name for layer in backbone.build().layers[1:]} for name, backbone in BACKBONES.items()}


@EVERY_STUDY
def test_the_layers_of_every_study_exist(layers_of, paper, name):
    for config in configs(SETUP, paper, name):
        assert {*config.style_layers} <= layers_of[config.backbone]
        assert {*config.content_layers} <= layers_of[config.content_backbone or config.backbone]


@EVERY_PAPER
def test_every_exhibit_shows_cells_of_its_studies(paper):
    known = {key for _, key in evidence_for(paper).findings}
    for exhibit in paper.exhibits:
        shown = [*(exhibit.pictures.cells.values() if exhibit.pictures else ())]
        shown += exhibit.curves.cells if exhibit.curves else ()
        assert set(shown) <= known
        assert not exhibit.pictures or exhibit.pictures.unprocessed <= set(exhibit.pictures.cells)


@EVERY_PAPER
def test_every_claim_points_at_an_exhibit_and_no_study_is_run_for_nothing(paper):
    exhibits = {exhibit.key: exhibit for exhibit in paper.exhibits}
    assert all(claim.exhibit in ("", *exhibits) for claim in paper.claims)
    shown = {key[0] for exhibit in paper.exhibits if exhibit.pictures for key in exhibit.pictures.cells.values()}
    shown |= {key[0] for exhibit in paper.exhibits if exhibit.curves for key in exhibit.curves.cells}
    assert set(paper.studies) <= shown


@EVERY_PAPER
def test_a_claim_writes_networks_as_people_do(paper):
    for claim in paper.claims:
        said = [claim.text, claim.differs, claim.note, claim.reason]
        said += [quantity.name for quantity in (*claim.quantities, *claim.ours)]
        for text in filter(None, said):
            assert not set(BACKBONES).intersection(re.findall(r"\w+", text)), text


@EVERY_PAPER
def test_times_that_are_alike_are_neither_as_claimed_nor_the_opposite(paper):
    """Of one cell made twice they differ by a few hundredths."""
    for claim in paper.claims:
        for quantity in (each for each in claim.quantities if each.name.startswith("Time ")):
            bounds = (quantity.holds, quantity.against)
            assert not any(bound.met(time) for bound in bounds for time in (0.96, 1.0, 1.04)), quantity.name


def test_rounds_end_where_their_evaluations_are_used_up():
    points = [Iterate(n, evaluations, 0.0, 100.0 - n, 0, 0, 0) for n, evaluations in enumerate((1, 3, 19, 22, 40, 45))]
    rounds = by_rounds(Trace(tuple(points)), 20)
    assert [(each.iteration, each.evaluations) for each in rounds] == [(0, 1), (1, 19), (2, 40)]


def test_an_unknown_paper_lists_the_known_ones():
    assert choose("all") == list(PAPERS.values())
    with pytest.raises(ConfigError, match=r"all or one of gupta2019, .*Received: paper='nonesuch'"):
        choose("nonesuch")


def test_setups_of_different_scale_or_pictures_have_different_folders(tmp_path):
    for folder in ("contents", "styles"):
        (tmp_path / folder).mkdir()
    picture = tmp_path / "contents" / "china.png"
    setup = Setup(str(tmp_path / "contents"), str(tmp_path / "styles"), ("china",), ("brushwork",))
    digests = [setup.digest(), replace(setup, own_size=True).digest()]
    for data in (b"one", b"another"):
        picture.write_bytes(data)
        digests.append(setup.digest())
    assert len(set(digests)) == 4


@EVERY_PAPER
def test_figures_are_drawn_with_and_without_pictures(paper):
    failed = {(name,): {"status": "failed", "reason": "no <picture> $x_1$"} for name in paper.studies}
    for evidence in (evidence_for(paper), evidence_for(paper, failed), Evidence({})):
        for exhibit in paper.exhibits:
            assert {*draw(exhibit, evidence)} == {
                *(["pictures"] if exhibit.pictures else []),
                *(["loss"] if exhibit.curves else []),
            }


def test_what_transfers_have_to_beat_is_drawn_of_the_first_pair_that_has_its_pictures():
    paper = PAPERS["bordag"]
    pairs = [Sample("lost", "brushwork"), Sample("china", "brushwork")]
    evidence = evidence_for(paper, samples=pairs)
    findings = {
        (sample, key): replace(found, cell=replace(found.cell, status="failed")) if sample == pairs[0] else found
        for (sample, key), found in evidence.findings.items()
    }
    evidence = replace(evidence, findings=findings)
    ((title, figure),) = draw_untransferred(evidence).values()
    assert title == "Pictures that no transfer made"
    shown = {text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))}
    assert {*BASELINES, "style, stretched", "china × brushwork"} <= shown
    failed = {(name,): {"status": "failed"} for name in paper.studies}
    assert draw_untransferred(evidence_for(paper, failed)) == {}


def test_a_place_that_nothing_was_asked_for_is_told_from_one_that_failed():
    paper = PAPERS["gupta2019"]
    (exhibit,) = (each for each in paper.exhibits if each.key == "pictures")
    failed = {("rescaled", "vgg16"): {"status": "failed", "reason": "no memory"}}
    _, figure = draw(exhibit, evidence_for(paper, failed))["pictures"]
    shown = [text.get_text().replace("\n", " ") for text in figure.findobj(lambda each: hasattr(each, "get_text"))]
    assert sum(text == "not asked for" for text in shown) == 2  # InceptionV3 and ResNet50 with rescaled filters
    assert sum("no memory" in text for text in shown) == 1
    assert not any("no picture" in text for text in shown)


@EVERY_PAPER
def test_a_page_has_every_claim_and_escapes_names_and_reasons(paper):
    evil = "<script>alert('x')</script>"
    setup = Setup("contents", "styles", (evil,), ("brush\"work' &",), (evil,))
    changes = {(name,): {"status": "failed", "reason": evil} for name in paper.studies}
    evidence = evidence_for(paper, changes, setup=setup)
    summary = json.loads(json.dumps(judge(paper, setup, evidence)))
    figures = {exhibit.key: [PageFigure("a figure", "figures/a b#1.png")] for exhibit in paper.exhibits}
    page = paper_html(paper, setup, evidence, summary, figures, [(evil, "../x y/index.html")])
    overview = overview_html("all", [summary], setup)
    for text in (page, overview):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert text.count('<td class="ours') == len(paper.claims)
    assert "../x%20y/index.html" in page
    assert "figures/a%20b%231.png" in page
    assert page.count('class="detail"') == len(paper.claims)
    assert "luigi --module tasks PaperFigures" in page
    assert all(each.reason.partition("'")[0] in page for each in paper.left_out)
    assert summary["failed"]
    assert "not judged" in overview


@EVERY_PAPER
def test_cells_that_diverge_are_a_finding_and_no_failure(paper):
    diverging = {"status": "failed", "reason": "the style loss became inf", "nature": DIVERGED.name}
    evidence = evidence_for(paper, {(name,): diverging for name in paper.studies})
    summary = json.loads(json.dumps(judge(paper, SETUP, evidence)))
    assert summary["failed"] == []
    assert len(summary["diverged"]) == len(
        {(each.cell.content, each.cell.style, each.name) for each in evidence.each()}
    )
    tested = [claim for claim in summary["claims"] if claim["kind"] == "tested"]
    said = {claim["outcome"] for claim in tested if "diverges (the style loss became inf)" in claim["evidence"]}
    assert said == {"not testable"}
    assert "not judged" not in {claim["outcome"] for claim in tested}
    page = paper_html(paper, SETUP, evidence, summary, {}, [])
    assert page.count("the style loss became inf</li>") == len(summary["diverged"])
    assert "Where the settings diverge" not in paper_html(
        paper, SETUP, evidence_for(paper), judge(paper, SETUP, evidence_for(paper)), {}, []
    )


@EVERY_PAPER
def test_a_page_has_every_threshold_n_and_what_differs(paper):
    evidence = evidence_for(paper)
    summary = judge(paper, SETUP, evidence)
    page = paper_html(paper, SETUP, evidence, summary, {}, [])
    for claim in summary["claims"]:
        for line in claim["numbers"]:
            assert line["holds"]
            assert line["n"]
        assert claim["differs"].partition("'")[0] in page
    assert "n = 1 pair" in page
    deciding = "; ".join(each.title for each in LOOKS if each.decides)
    for text in (page, overview_html("all", [summary], SETUP)):
        assert f"who have to agree: {deciding}." in text
    for name in BASELINES:
        assert f"<td>{name}</td>" in page
    assert "as claimed" in page


def test_pages_say_which_pictures_the_main_comparison_takes_and_which_the_others():
    setup = replace(
        SETUP, contents=("china", "coffee"), seeds=(0, 1), fewer_contents=("china",), fewer_styles=("brushwork",)
    )
    said = " ".join(overview_html("all", [], setup).split())
    assert "2 pairs of pictures" in said
    assert "what varies one thing is made with <bdi>china</bdi> in <bdi>brushwork</bdi>, from one seed" in said
    assert "what varies one thing" not in overview_html("all", [], replace(setup, fewer_contents=(), fewer_styles=()))


def test_the_command_makes_the_same_page():
    assert command("all", replace(SETUP, content_dir="inputs/content", style_dir="inputs/style")) == (
        "luigi --module tasks PaperFigures --paper all"
    )
    several = replace(SETUP, contents=("a b", "c"), styles=("d",), size=96)
    assert command("khan", several) == (
        "luigi --module tasks PaperFigures --paper khan --content-dir contents --style-dir styles "
        """--contents '["a b", "c"]' --styles '["d"]' --size 96"""
    )
    assert "PaperFigures --paper khan --content-dir" in overview_html("khan", [], several)
    assert command("khan", replace(several, styles=("brushwork",))).endswith("""--contents '["a b", "c"]' --size 96""")
    others = replace(
        SETUP, portraits=("me", "chelsea"), weights="random", settings={"pooling": "avg"}, content_dir="in"
    )
    assert command("khan", others).endswith(
        """--portraits '["me", "chelsea"]' --weights random --settings '{"pooling": "avg"}'"""
    )
    assert "--photographs-dir mine" in command("khan", replace(several, photographs_dir="mine"))
    assert """--large --contents '["a b", "c"]'""" in command("khan", replace(several, large=True))
    large = replace(SETUP, contents=LARGE_CONTENTS, styles=LARGE_STYLES, large=True)
    assert command("khan", large).endswith("--style-dir styles --large")


def test_a_picture_in_the_networks_range_is_shown_as_its_file_would_show_it():
    """Black: 0 and 1 of 255 everywhere."""
    paper = PAPERS["gupta2019"]
    (exhibit,) = (each for each in paper.exhibits if each.key == "black")
    assert exhibit.pictures.unprocessed
    from pipeline.papers.pixels import written_unprocessed

    assert SOFT.max() > 200
    assert written_unprocessed(SOFT).max() <= 1
    assert draw(exhibit, evidence_for(paper))


@EVERY_PAPER
def test_pages_show_all_of_their_tables_in_a_browser(paper, opened, phone, tmp_path):
    evidence = evidence_for(paper)
    summary = judge(paper, SETUP, evidence)
    (tmp_path / "paper.html").write_text(paper_html(paper, SETUP, evidence, summary, {}, []), encoding="utf-8")
    (tmp_path / "index.html").write_text(overview_html("all", [summary], SETUP), encoding="utf-8")
    for name in ("paper.html", "index.html"):
        page = opened.open(tmp_path, name=name)
        assert page.locator(".claims tbody tr:visible").count() == len(paper.claims)
        hidden = "tables => tables.filter(table => table.scrollWidth > table.clientWidth).length"
        assert page.locator(".wide").evaluate_all(hidden) == 0
        heads = page.locator(".claims th")
        lines = heads.evaluate_all(
            "heads => heads.map(head => { const range = document.createRange();"
            "range.selectNodeContents(head); return range.getClientRects().length; })"
        )
        assert lines == [1, 1, 1, 1]
        small = phone.open(tmp_path, name=name)
        assert small.evaluate("document.documentElement.scrollWidth") == 390
        assert small.locator(".wide:has(.measured)").evaluate_all(hidden) == 0
        for view in (page, small):  # a column of single letters is no text
            widths = view.locator(".left-out dd").evaluate_all("each => each.map(one => one.clientWidth)")
            assert len(widths) == (len(paper.left_out) if name == "paper.html" else 0)
            assert all(width > 300 for width in widths)


def test_weights_that_are_not_a_networks_own_are_told():
    paper = PAPERS["bordag"]
    evidence = evidence_for(paper)
    for found in evidence.each():
        found.cell.manifest["weights"]["note"] = "random weights, for tests"
    summary = judge(paper, SETUP, evidence)
    assert "random weights, for tests" in overview_html("all", [summary], SETUP)


def test_content_and_patches_of_figure_17_weigh_as_the_sums_of_the_equations(content_picture, style_picture):
    """Equations 1, 4 and 5 over the positions of relu4_2, but for the patches that lie beyond the border."""
    study = PAPERS["xu2016"].studies["mrf_ratios"]

    def value(term: str, losses: dict[str, object], **settings: object) -> float:
        changed = {"weights": "random", "filters": "trained", "size": 64, "losses": losses, **settings}
        config = presets.get(study.preset, **{**study.settings, **changed})
        objective = build_objective(content_picture, style_picture, config)
        return objective.components(objective.x0)[term]

    alone = {
        layer: value("patches", {"gram": {"weight": 0.0}, "patches": {"layers": (layer,), "balanced": False}})
        for layer in ("block3_conv1", "block4_conv1")
    }
    half_the_sum = value("content", {"gram": {"weight": 0.0}, "patches": {"layers": ("block4_conv1",)}})
    height, width = (side // 4 for side in size_at(content_picture, 64))
    of_block3, of_block4 = height * width, (height // 2) * (width // 2)
    for choice in study.axes[0].choices:
        sums = float(choice.label) * half_the_sum
        sums += of_block3 * alone["block3_conv1"] + of_block4 * alone["block4_conv1"]
        ours = value("total", study.settings["losses"], total_variation_weight=0.0, **choice.settings)
        assert of_block4 * ours == pytest.approx(sums, rel=1e-4)
