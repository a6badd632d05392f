"""The papers: their studies can be run, and their claims' judges find for and against, or say why they cannot."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest

from nstcore import BACKBONES, ConfigError, presets
from nstcore.result import Iterate, Trace
from pipeline.papers import PAPERS, Evidence, Finding, Missing, Setup, choose, key_of
from pipeline.papers.figures import by_rounds, draw
from pipeline.papers.page import judge, overview_html, paper_html
from pipeline.papers.paper import Outcome
from pipeline.report.page import PageFigure, ReportCell

SETUP = Setup("contents", "styles", "china", "brushwork")
EVERY_PAPER = pytest.mark.parametrize("paper", PAPERS.values(), ids=PAPERS)
EVERY_STUDY = pytest.mark.parametrize(
    ("paper", "name"), [(paper, name) for paper in PAPERS.values() for name in paper.studies]
)

_RANDOM = np.random.default_rng(0)
SOFT = np.kron(_RANDOM.integers(0, 255, (6, 9, 3)), np.ones((4, 4, 1))).astype(np.uint8)
SHARP = _RANDOM.integers(0, 255, SOFT.shape).astype(np.uint8)
FLAT = np.full_like(SOFT, 128)
BLACK = np.zeros_like(SOFT)


def trace(final: float = 10.0, pace: float = 1.0, rounds: float = 0.9) -> Trace:
    """200 evaluations that take `pace` seconds each; the loss falls by `rounds` within the last 20."""
    totals = [1e6, *np.linspace(1e5, final / (1 - rounds), 9), final]
    return Trace(
        tuple(
            Iterate(20 * number, 20 * number, pace * 20 * number, total, total, total, total)
            for number, total in enumerate(totals)
        )
    )


def finding(key, *, picture=SHARP, status="done", style=0.5, content=0.5, variant=(), reason="", **of_trace) -> Finding:
    measures = {
        "style_vgg19": style,
        "style_efficientnet_lite0": style,
        "content_vgg19": content,
        "content_efficientnet_lite0": content,
    }
    done = status == "done"
    cell = ReportCell(
        "china",
        "brushwork",
        key[1],
        status,
        {"weights": {"source": "a place", "note": ""}} if done else None,
        reason=reason,
        variant=variant,
        measures=measures if done else None,
    )
    return Finding(key, cell, lambda: trace(**of_trace), lambda: picture, lambda: SOFT)


def evidence_for(paper, changes: Mapping[tuple[str, ...], Mapping[str, Any]] | None = None) -> Evidence:
    """Every cell of a paper's studies, alike but for the changes; a change for the start of a key holds for all."""
    findings = {}
    for name, study in paper.studies.items():
        for combination in study.combinations():
            for backbone in combination.backbones:
                key = (name, backbone, *(label for _, label in combination.variant))
                told = {}
                for start, change in (changes or {}).items():
                    if key[: len(start)] == start:
                        told |= change
                findings[key] = finding(key, variant=combination.variant, **told)
    unused = [start for start in changes or {} if not any(key[: len(start)] == start for key in findings)]
    assert not unused
    return Evidence(findings)


def verdict(paper: str, words: str, changes=None):
    (claim,) = (claim for claim in PAPERS[paper].claims if words in claim.text)
    return claim.verdict(evidence_for(PAPERS[paper], changes))


COMPARISON = "comparison"
GOOD, POOR = {"style": 0.2, "content": 0.3}, {"style": 0.9, "content": 0.9}

BOTH_WAYS = [
    ("gupta2019", "VGG19 gives the best", {(COMPARISON, "vgg19"): GOOD}, {(COMPARISON, "vgg16"): GOOD}),
    ("gupta2019", "VGG16 is close", {}, {(COMPARISON, "vgg16"): POOR}),
    ("gupta2019", "VGG16 is faster", {(COMPARISON, "vgg16"): {"pace": 0.5}}, {(COMPARISON, "vgg16"): {"pace": 2.0}}),
    (
        "gupta2019",
        "InceptionV3 is the fastest",
        {
            (COMPARISON, "inceptionv3"): {"pace": 0.1},
            (COMPARISON, "resnet50"): {"pace": 0.2},
            (COMPARISON, "vgg16"): {"pace": 0.3},
        },
        {(COMPARISON, "vgg19"): {"pace": 0.1}},
    ),
    ("gupta2019", "The higher the loss", {("balanced",): POOR}, {("balanced", "resnet50"): {**GOOD, "final": 1.0}}),
    ("gupta2019", "ResNet50's pictures", {(COMPARISON, "resnet50"): {"picture": FLAT}}, {}),
    (
        "gupta2019",
        "12 layers",
        {("resnet50_layers", "resnet50", "12"): {"final": 5.0, "picture": FLAT}},
        {("resnet50_layers", "resnet50", "12"): {"final": 5.0}},
    ),
    (
        "gupta2019",
        "black picture",
        {(COMPARISON, "inceptionv3"): {"picture": BLACK}, ("balanced", "inceptionv3"): {"picture": BLACK}},
        {(COMPARISON, "inceptionv3"): {"picture": BLACK}},
    ),
    ("gupta2019", "Total variation", {("total_variation", "vgg19", "0.1"): {"picture": SOFT}}, {}),
    (
        "gupta2019",
        "After ten iterations",
        {(COMPARISON,): {"rounds": 0.01}},
        {(COMPARISON,): {"rounds": 0.5, "final": 1e4}},
    ),
    ("lisciandrello", "most pleasing", {("networks", "vgg19"): GOOD}, {("networks", "resnet50"): GOOD}),
    (
        "lisciandrello",
        "fastest by far",
        {("networks", "resnet50"): {"pace": 0.3}, ("networks", "vgg16"): {"pace": 0.8}},
        {("networks", "resnet50"): {"pace": 3.0}},
    ),
    ("lisciandrello", "merely blurs", {("normaliser", "resnet50", "gatys"): {"picture": FLAT}}, {}),
    ("lisciandrello", "gets the style", {("normaliser", "resnet50", "none"): GOOD}, {}),
    ("lisciandrello", "The content layer", {}, {("content_layer", "vgg19", "block5_conv2"): {"picture": SOFT}}),
    ("lisciandrello", "layer sets", {("resnet50_layers", "resnet50", "d"): {"picture": FLAT}}, {}),
    ("lisciandrello", "1e-5 blurs", {("total_variation", "vgg19", "1e-05"): {"picture": FLAT}}, {}),
    ("lisciandrello", "better pictures", {("ratio", "vgg19", "1e-4"): {**GOOD, "picture": SOFT}}, {}),
    ("lisciandrello", "falls strictly", {}, {("networks", "vgg16"): {"final": 2e6, "rounds": 0.0}}),
    (
        "xu2016",
        "resembles the photograph",
        {("ratios", "vgg19", "5e-6"): {"style": 0.7, "content": 0.1}},
        {},
    ),
    ("xu2016", "More style layers", {("layers_by_ratio", "vgg19", "E"): {"style": 0.1}}, {}),
    (
        "xu2016",
        "Lower content layers",
        {("content_layers", "vgg19", "5e-8", "block2_conv2"): {"picture": SOFT}},
        {},
    ),
    ("bordag", "near the content", {}, {("content_layers",): {"style": 1.2}}),
]


@pytest.mark.parametrize(("paper", "words", "favorable", "adverse"), BOTH_WAYS)
def test_a_judge_finds_for_and_against(paper, words, favorable, adverse):
    assert verdict(paper, words, favorable).outcome == "reproduced"
    assert verdict(paper, words, adverse).outcome == "not reproduced"


def test_networks_that_a_paper_found_unfit_are_improved_upon_if_they_stylize():
    theirs = {(COMPARISON, "resnet50"): POOR, (COMPARISON, "inceptionv3"): POOR}
    assert verdict("gupta2019", "not suitable", {**theirs, ("balanced",): GOOD}).outcome == "improved upon"
    assert verdict("gupta2019", "not suitable", {**theirs, ("balanced",): POOR}).outcome == "reproduced"


def test_the_order_of_losses_is_read_after_one_round():
    """The second iterate is at 20 evaluations, and the same for all; the order is then that of the list."""
    assert verdict("gupta2019", "loss after iteration 0").outcome == "reproduced"


def test_a_trade_off_at_our_ratios_counts_and_says_that_theirs_shows_none():
    found = verdict("xu2016", "resembles", {("our_ratios", "vgg19", "E", "1e-1"): {"style": 0.7, "content": 0.1}})
    assert found.outcome == "reproduced"
    assert "at ours" in found.number
    assert "mean activation is 1" in found.evidence


@EVERY_PAPER
def test_every_claim_is_judged_when_all_is_there_and_none_when_nothing_is(paper):
    for claim in paper.claims:
        found, empty = claim.verdict(evidence_for(paper)), claim.verdict(Evidence({}))
        assert found.outcome in get_args(Outcome)
        assert found.outcome != "not judged"
        assert found.evidence
        assert empty.outcome in ("not judged", "open")
        assert claim.exhibit in ("", *(exhibit.key for exhibit in paper.exhibits))


def test_a_cell_that_failed_or_was_not_measured_is_named_in_the_verdict():
    failed = {(COMPARISON, "vgg16"): {"status": "failed", "reason": "out of <memory>"}}
    found = verdict("gupta2019", "VGG16 is faster", failed)
    assert found.outcome == "not judged"
    assert "VGG16 failed (out of <memory>)" in found.evidence
    bare = Finding(("a", "vgg19"), ReportCell("c", "s", "vgg19", "done", {}, unmeasured="no judge"))
    with pytest.raises(Missing, match=r"VGG19 was not measured \(no judge\)"):
        bare.measure("ssim")


@EVERY_STUDY
def test_every_study_expands_to_settings_that_its_backbones_take(paper, name):
    for own in (False, True):
        setup = Setup("contents", "styles", "china", "brushwork", own)
        study = setup.study(paper, name)
        assert study.contents == ("china",)
        for combination in study.combinations():
            for backbone in combination.backbones:
                config = presets.get(combination.preset, **{**combination.settings, "backbone": backbone}).resolved()
                scale = paper.own if own else paper.scaled
                assert (config.size, config.iterations) == (scale.size, scale.iterations)


@pytest.fixture(scope="module")
def layers_of():
    return {name: {layer.name for layer in backbone.build().layers[1:]} for name, backbone in BACKBONES.items()}


@EVERY_STUDY
def test_the_layers_of_every_study_exist(layers_of, paper, name):
    for combination in paper.studies[name].combinations():
        for backbone in combination.backbones:
            config = presets.get(combination.preset, **{**combination.settings, "backbone": backbone}).resolved()
            assert {*config.content_layers, *config.style_layers} <= layers_of[backbone]


@EVERY_PAPER
def test_every_exhibit_shows_cells_of_its_studies(paper):
    known = evidence_for(paper).findings
    for exhibit in paper.exhibits:
        shown = [*(exhibit.pictures.cells.values() if exhibit.pictures else ())]
        shown += exhibit.curves.cells if exhibit.curves else ()
        assert set(shown) <= set(known)


def test_a_key_is_the_study_the_backbone_and_the_labels():
    cell = ReportCell("c", "s", "vgg19", "done", {}, variant=(("layers", "A"), ("alpha/beta", "1e-9")))
    assert key_of("table", cell) == ("table", "vgg19", "A", "1e-9")


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
    setup = Setup(str(tmp_path / "contents"), str(tmp_path / "styles"), "china", "brushwork")
    digests = [setup.digest(), Setup("contents", "styles", "china", "brushwork", own_size=True).digest()]
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


@EVERY_PAPER
def test_a_page_has_every_claim_and_escapes_names_and_reasons(paper):
    evil = "<script>alert('x')</script>"
    setup = Setup("contents", "styles", evil, "brush\"work' &")
    changes = {(name,): {"status": "failed", "reason": evil} for name in paper.studies}
    evidence = evidence_for(paper, changes)
    summary = json.loads(json.dumps(judge(paper, setup, evidence)))
    figures = {exhibit.key: [PageFigure("a figure", "figures/a b#1.png")] for exhibit in paper.exhibits}
    page = paper_html(paper, setup, evidence, summary, figures, [(evil, "../x y/index.html")])
    overview = overview_html([summary], setup)
    for text in (page, overview):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert text.count('<td class="number">') == len(paper.claims)
    assert "../x%20y/index.html" in page
    if paper.exhibits:
        assert "figures/a%20b%231.png" in page
    if paper.studies:
        assert summary["failed"]
        assert "not judged" in overview


@EVERY_PAPER
def test_pages_show_all_of_their_tables_in_a_browser(paper, opened, phone, tmp_path):
    evidence = evidence_for(paper)
    summary = judge(paper, SETUP, evidence)
    (tmp_path / "paper.html").write_text(paper_html(paper, SETUP, evidence, summary, {}, []), encoding="utf-8")
    (tmp_path / "index.html").write_text(overview_html([summary], SETUP), encoding="utf-8")
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
        assert phone.open(tmp_path, name=name).evaluate("document.documentElement.scrollWidth") == 390


def test_weights_that_are_not_a_networks_own_are_told():
    paper = PAPERS["bordag"]
    evidence = evidence_for(paper)
    for found in evidence.findings.values():
        found.cell.manifest["weights"]["note"] = "random weights, for tests"
    summary = judge(paper, SETUP, evidence)
    assert "random weights, for tests" in overview_html([summary], SETUP)
