"""The report page as people use it, in a headless Chromium, opened from the disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.grid.series import Series
from pipeline.report.cell import in_order
from pipeline.report.page import PageFigure, PagePicture, ReportCell, index_html
from pipeline.report.page_data import cell_ids

BACKBONES = ("vgg16", "vgg19", "resnet50")
HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "javascript:document.title='owned'",
    "\"quotes\" & 'apostrophes' <b>",
    "عربى \u202e日本語 \u2028 Ωμέγα",
    "w" * 200,
]


def write_pictures(folder: Path, *names: str, side: int = 24) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (side * 4 // 3, side), (40 * number % 256, 90, 160)).save(path)


def finished(content: str, style: str, backbone: str, loss: float, picture: int = 0, **fields: Any) -> ReportCell:
    manifest = {
        "config": {"size": 32, "style_layers": ["block1_conv1", "block2_conv1"]},
        "weights": {"source": "a registry", "version": "1", "sha256": "ab" * 32, "archive_sha256": None, "note": ""},
        "digest": f"{picture:016x}",
        "engine_version": "1",
        "versions": {"keras": "3.15.0"},
        "device": "CPU",
        "result": {"total": loss, "initial_total": 10.0, "seconds": 100 - 9 * loss, "width": 32, "height": 24},
        "finished": "2030-01-02T03:04:05+00:00",
    }
    return ReportCell(
        content,
        style,
        backbone,
        "done",
        manifest,
        picture=f"pictures/{picture}.png",
        thumbnail=f"thumbs/{picture}.webp",
        content_picture=PagePicture("originals/c.png", "thumbs/c.webp"),
        style_picture=PagePicture("originals/s.png", "thumbs/s.webp"),
        **fields,
    )


def write_page(folder: Path, cells: list[ReportCell], **options: Any) -> Path:
    defaults = {"title": "A grid", "pair_figures": {}, "image_grids": {}, "missing_backbones": {}, "settings": {}}
    (folder / "index.html").write_text(index_html(cells, **{**defaults, **options}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def cells() -> list[ReportCell]:
    """2 contents x 3 styles x 3 backbones; a failed cell, and measures of the others."""
    made = []
    for number in range(18):
        content, style, backbone = ("bridge", "cat")[number % 2], "abc"[number // 2 % 3], BACKBONES[number // 6]
        measures = {"ssim": number / 20, "lpips": 1 - number / 20}
        made.append(finished(content, f"style {style}", backbone, 1 + number / 4, number, measures=measures))
    made[5] = ReportCell("cat", "style c", "vgg16", "failed", None, "the loss became inf at evaluation 1")
    return made


@pytest.fixture(scope="module")
def report(cells: list[ReportCell], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    numbers = [*(str(number) for number in range(18))]
    write_pictures(folder, *(f"pictures/{number}.png" for number in numbers), side=96)
    write_pictures(folder, *(f"thumbs/{name}.webp" for name in (*numbers, "c", "s")))
    write_pictures(folder, "originals/c.png", "originals/s.png", "loss.png", "wall.png", "summary.png")
    pairs = {(cell.content, cell.style) for cell in cells}
    return write_page(
        folder,
        cells,
        pair_figures={pair: [PageFigure("Loss per iteration", "loss.png")] for pair in pairs},
        image_grids={Series("vgg16"): "wall.png"},
        summary_figures=[PageFigure("Medians", "summary.png")],
    )


def visible(page: Any) -> int:
    return page.locator("[data-view]:visible [data-cell]:visible").count()


def address_of(cell: ReportCell, cells: list[ReportCell]) -> str:
    """The address of a cell."""
    order = in_order(cells)
    return f"#cell={cell_ids(order)[order.index(cell)]}"


def loaded(page: Any, selector: str) -> bool:
    script = "images => images.length > 0 && images.every(image => image.complete && image.naturalWidth > 0)"
    page.wait_for_load_state("networkidle")
    return page.locator(selector).evaluate_all(script)


def test_it_opens_with_every_picture_and_no_error(opened, report):
    page = opened.open(report)
    assert visible(page) == 18
    assert page.locator(".cell img:visible").count() == 17
    assert loaded(page, ".view:visible img")
    assert loaded(page, "#figures + .plots img")
    assert page.get_by_text("the loss became inf at evaluation 1").count() >= 2  # at the top and in its place
    assert page.locator(".count").inner_text() == "18 cells"


def test_filters_leave_what_matches_and_the_address_says_so(opened, report):
    page = opened.open(report)
    page.locator(".facet", has_text="Backbone").locator("summary").click()
    page.get_by_role("checkbox", name="VGG19").check()
    assert visible(page) == 6
    assert page.locator(".series:visible").count() == 1
    page.get_by_role("checkbox", name="ResNet50").check()
    assert visible(page) == 12
    page.keyboard.press("Escape")
    page.locator(".search").fill("CAT style b")
    assert visible(page) == 2
    assert page.locator(".row.styles:visible .name:visible").count() == 2 * 2  # the corner and one style on two walls
    assert page.locator(".count").inner_text() == "2 of 18 cells"
    page.wait_for_url(lambda url: "q=" in url)
    shared = page.evaluate("location.hash")
    page = opened.open(report, shared)
    assert visible(page) == 2
    assert page.locator(".search").input_value() == "CAT style b"
    page.get_by_role("button", name="Clear all").or_(page.locator(".chips button").first).first.click()
    page.locator(".search").fill("nothing of the kind")
    assert visible(page) == 0
    assert page.get_by_text("No cell matches.").is_visible()
    page.get_by_role("button", name="Show all cells").click()
    assert visible(page) == 18


def test_bounds_of_numbers_are_filters_too(opened, report):
    page = opened.open(report)
    page.locator(".facet", has_text="Numbers").locator("summary").click()
    page.get_by_label("Of initial loss, % at most").fill("20")  # a loss of 2: the first five
    assert visible(page) == 5
    page.get_by_label("SSIM to content at least").fill("0.15")
    assert visible(page) == 2
    page.wait_for_url(lambda url: "ssim=" in url)
    page = opened.open(report, page.evaluate("location.hash"))
    assert visible(page) == 2


def test_the_table_sorts_by_what_is_pressed(opened, report):
    page = opened.open(report, "#view=table")
    assert page.locator("tbody tr").count() == 18
    losses = page.locator("tbody tr td.number:nth-of-type(5)")

    def shown() -> list[float]:
        return [float(text) for text in losses.all_inner_texts()]

    head = page.get_by_role("columnheader", name="Final loss")
    head.get_by_role("button").click()
    assert shown() == sorted(shown())
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()
    assert shown() == sorted(shown(), reverse=True)
    assert "loss became inf" in page.locator("tbody tr").last.inner_text()  # what is unknown comes last, either way
    page.get_by_role("columnheader", name="SSIM to content").get_by_role("button").click()  # higher is better
    assert "0.850" in page.locator("tbody tr").first.inner_text()
    page.wait_for_url(lambda url: "sort=-ssim" in url)
    page = opened.open(report, page.evaluate("location.hash"))
    assert "0.850" in page.locator("tbody tr").first.inner_text()
    page.locator("tbody tr a").first.click()
    assert page.locator(".position").inner_text() == "1 of 18"


def test_the_viewer_by_keyboard(opened, report):
    page = opened.open(report)
    first = page.locator("a.cell").first
    first.focus()
    page.keyboard.press("Enter")
    viewer = page.locator("dialog")
    assert viewer.is_visible()
    assert page.locator("#viewer-title").inner_text() == "bridge in the style of style a"
    assert loaded(page, ".frame img")
    page.wait_for_url(lambda url: "cell=" in url)

    page.locator(".split").focus()
    before = int(page.locator(".split").input_value())
    page.keyboard.press("ArrowRight")
    assert int(page.locator(".split").input_value()) == before + 1
    assert f"{before + 1} % content" in page.locator(".split").get_attribute("aria-valuetext")
    assert page.locator(".frame").evaluate("frame => frame.style.getPropertyValue('--split')") == f"{before + 1}%"
    assert page.locator(".position").inner_text() == "1 of 18"

    page.locator(".next").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#viewer-title").inner_text() == "bridge in the style of style b"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".position").inner_text() == "18 of 18"
    page.keyboard.press("ArrowRight")
    for _ in range(30):  # the focus stays inside
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    assert first.evaluate("link => link === document.activeElement")
    page.wait_for_url(lambda url: "cell=" not in url)


def test_the_viewer_says_all_that_is_known(opened, report, cells):
    page = opened.open(report, address_of(cells[0], cells))
    text = page.locator(".panel").inner_text()
    for known in ("Final loss", "10.00 %", "SSIM to content", "0.000", "VGG16", "0000000000000000"):
        assert known in text
    for title, known in (("Settings", "block1_conv1, block2_conv1"), ("Weights", "a registry"), ("Ran with", "CPU")):
        page.locator(".panel summary", has_text=title).click()
        assert known in page.locator(".panel").inner_text()
    assert page.get_by_role("link", name="Open the picture").get_attribute("href") == "pictures/0.png"
    assert loaded(page, ".panel img")
    assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def test_a_cell_without_a_picture_shows_its_reason(opened, report, cells):
    page = opened.open(report, address_of(cells[5], cells))
    assert "the loss became inf at evaluation 1" in page.locator(".verdict").inner_text()
    assert not page.locator(".split").is_visible()
    assert loaded(page, ".panel img")  # what other cells know of its content and style


def test_back_closes_the_viewer_and_keeps_the_filters(opened, report):
    page = opened.open(report)
    page.locator(".search").fill("vgg19")
    page.locator(".cell:visible").first.click()
    assert page.locator("dialog").is_visible()
    page.go_back()
    assert not page.locator("dialog").is_visible()
    assert page.locator(".search").input_value() == "vgg19"
    assert visible(page) == 6


def test_one_pair_across_backbones_with_its_plots(opened, report):
    page = opened.open(report)
    page.locator("a.cell").first.click()
    page.get_by_role("link", name="This pair, every backbone").click()
    assert not page.locator("dialog").is_visible()
    page.locator(".pair:visible .results .cell").nth(2).wait_for()
    assert page.locator(".pair:visible").count() == 1
    assert page.locator(".pair:visible .results .cell").count() == 3
    assert page.locator(".pair:visible .results bdi").all_inner_texts() == ["VGG16", "VGG19", "ResNet50"]
    assert page.locator(".pair:visible .plot").is_visible()
    assert loaded(page, ".pair:visible img")


def test_phones_scroll_in_one_direction(phone, report):
    for address in ("", "#view=pairs", "#view=table", "#view=table&q=style"):
        page = phone.open(report, address)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    for small in page.locator(".tools button:visible, .facet > summary:visible").all():
        assert small.bounding_box()["height"] >= 35
    page.locator("tbody tr a").first.tap()
    assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def test_light_and_dark(browse, report):
    papers = []
    for scheme in ("light", "dark"):
        page = browse(color_scheme=scheme).open(report)
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    light, dark = (sum(int(part) for part in paper[4:-1].split(",")) / 3 for paper in papers)
    assert light > 200
    assert dark < 50


def test_without_a_script_pictures_reasons_and_plots_are_there(browse, report):
    page = browse(java_script_enabled=False).open(report)
    assert page.locator(".cell img:visible").count() == 17
    assert page.locator(".pair .plot:visible").count() == 6
    assert page.locator("noscript p").is_visible()
    assert not page.locator(".tools").is_visible()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert(opened, tmp_path, name):
    write_pictures(tmp_path, "pictures/0.png", "thumbs/0.webp", "thumbs/c.webp", "thumbs/s.webp")
    write_pictures(tmp_path, "originals/c.png", "originals/s.png", "loss.png")
    variant = ((name, name),)
    cells = [
        finished(name, "plain", "vgg19", 1.0, preset=name, variant=variant, unmeasured=name),
        ReportCell("plain", name, name, "failed", None, name, preset=name),
    ]
    figures = {(name, "plain"): [PageFigure(name, "loss.png")]}
    write_page(tmp_path, cells, title=name, pair_figures=figures, settings={name: name})
    page = opened.open(tmp_path)
    title = page.title()
    for view in ("walls", "pairs", "table"):
        page.locator(f"[data-show={view}]").click()
        page.locator(f"[data-view={view}] [data-cell]").nth(1).wait_for()  # strips fill as they come into sight
        assert visible(page) == 2
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("tbody tr a").first.click()
    assert name.strip()[:3] in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.locator(".facet", has_text="Content").locator("summary").first.click()
    page.locator(".menu:visible input").first.check()
    page.wait_for_url(lambda url: "content=" in url)
    page = opened.open(tmp_path, page.evaluate("location.hash"))
    assert visible(page) == 1
    assert page.title() == title != "owned"


def test_two_thousand_cells(opened, tmp_path):
    names = [(f"content {c}", f"style {s}", b) for b in BACKBONES[:2] for c in range(25) for s in range(40)]
    cells = [finished(*name, 1 + number / 500) for number, name in enumerate(names)]
    write_pictures(tmp_path, "pictures/0.png", "thumbs/0.webp", "thumbs/c.webp", "thumbs/s.webp")
    write_pictures(tmp_path, "originals/c.png", "originals/s.png")
    page = opened.open(write_page(tmp_path, cells))
    assert page.locator(".count").inner_text() == "2,000 cells"
    page.locator(".search").fill("style 39 vgg19")
    assert page.locator(".count").inner_text() == "25 of 2,000 cells"
    page.locator(".search").fill("")
    page.locator("[data-show=table]").click()
    assert 0 < page.locator("tbody tr").count() < 500
    page.get_by_role("columnheader", name="Final loss").get_by_role("button").click()
    page.locator("button.more").scroll_into_view_if_needed()
    page.locator("tbody tr").nth(100).wait_for()
    page.locator("tbody tr a").first.click()
    assert page.locator(".position").inner_text() == "1 of 2000"
    page.keyboard.press("ArrowLeft")
    assert page.locator(".position").inner_text() == "2000 of 2000"


@pytest.fixture(scope="module")
def with_strips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[ReportCell]]:
    """A cell with a strip of five plain frames in 3 x 2 tiles, one of them of a coarse run, and a cell without."""
    folder = tmp_path_factory.mktemp("strips")
    write_pictures(folder, "pictures/0.png", "pictures/1.png", "thumbs/0.webp", "thumbs/1.webp", "thumbs/c.webp")
    write_pictures(folder, "thumbs/s.webp", "originals/c.png", "originals/s.png")
    sheet = Image.new("RGB", (3 * 32, 2 * 32))
    for place in range(5):
        frame = Image.new("RGB", (30, 20), (50 * place, 0, 255 - 50 * place))
        sheet.paste(frame, (32 * (place % 3), 32 * (place // 3)))
    (folder / "strips").mkdir()
    sheet.save(folder / "strips/0.webp", lossless=True)
    cells = [finished("bridge", f"style {number}", "vgg19", 2.0, number) for number in range(2)]
    moments = [(16, 0, 9.5), (32, 1, 7.25), (32, 2, 1e7), (32, 4, float("nan")), (32, 8, 2.0)]
    frames = [{"size": size, "iteration": iteration, "total": total} for size, iteration, total in moments]
    layout = {"height": 20, "width": 30, "columns": 3, "tile_height": 32, "tile_width": 32, "frames": frames}
    manifest = {**(cells[0].manifest or {}), "strip": layout}
    cells[0] = replace(cells[0], manifest=manifest, strip="strips/0.webp")
    return write_page(folder, cells), cells


def middle_of(page: Any, tmp_path: Path) -> tuple[int, int, int]:
    """The color in the middle of the right half of the stage, as a person sees it."""
    shot = tmp_path / "shot.png"
    page.locator(".frame").screenshot(path=shot)
    with Image.open(shot) as image:
        return image.convert("RGB").getpixel((image.width * 7 // 10, image.height // 4))


def test_a_slider_shows_what_a_cell_had_reached(opened, with_strips, tmp_path):
    folder, cells = with_strips
    asked: list[str] = []
    opened.page.on("request", lambda request: asked.append(request.url))
    page = opened.open(folder, address_of(cells[0], cells))
    slider = page.get_by_role("slider", name="On the way")
    told = page.locator(".way output")
    page.wait_for_load_state("networkidle")
    assert (slider.input_value(), told.inner_text()) == ("4", "iteration 8 of 8, loss 2")
    assert middle_of(page, tmp_path) == (0, 90, 160)
    assert not [url for url in asked if "strips/" in url]  # before anyone asks for it

    slider.focus()
    expected = ["iteration 4 of 8, loss nan", "iteration 2 of 8, loss 1.000e7", "iteration 1 of 8, loss 7.25"]
    for place, text in zip((3, 2, 1, 0), [*expected, "at 16 px, iteration 0, loss 9.5"], strict=True):
        page.keyboard.press("ArrowLeft")
        page.locator(".after.covered").wait_for(state="attached")
        assert told.inner_text() == slider.get_attribute("aria-valuetext") == text
        assert page.locator(".moment").get_attribute("aria-label").endswith(text)
        assert page.locator(".tag.right").inner_text() == "on the way"
        color = middle_of(page, tmp_path)
        assert max(abs(one - other) for one, other in zip(color, (50 * place, 0, 255 - 50 * place), strict=True)) <= 3
    assert page.locator(".position").inner_text() == "1 of 2"  # the arrows do not turn to another cell
    assert len([url for url in asked if "strips/" in url]) == 1

    page.keyboard.press("End")
    assert middle_of(page, tmp_path) == (0, 90, 160)
    assert page.locator(".tag.right").inner_text() == "result"


def test_a_cell_without_a_strip_has_no_slider(opened, with_strips):
    folder, cells = with_strips
    page = opened.open(folder, address_of(cells[0], cells))
    page.get_by_role("slider", name="On the way").press("Home")
    page.locator(".next").click()
    assert not page.locator(".way").is_visible()
    assert not page.locator(".moment").is_visible()
    assert page.locator(".after").is_visible()
    page.locator(".next").click()
    assert page.get_by_role("slider", name="On the way").input_value() == "4"
    assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def test_the_slider_by_touch(phone, with_strips):
    folder, cells = with_strips
    page = phone.open(folder, address_of(cells[0], cells))
    slider = page.get_by_role("slider", name="On the way")
    box = slider.bounding_box()
    assert box["height"] >= 35
    page.touchscreen.tap(box["x"] + 2, box["y"] + box["height"] / 2)
    page.locator(".after.covered").wait_for(state="attached")
    assert slider.input_value() == "0"
    assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


def test_a_strip_that_is_lost_is_told_and_the_result_stays(browser, with_strips, tmp_path):
    folder, cells = with_strips
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy/strips/0.webp").unlink()
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "copy/index.html").as_uri() + address_of(cells[0], cells))
    page.get_by_role("slider", name="On the way").press("Home")
    page.get_by_text("strips/0.webp cannot be loaded").wait_for()
    assert page.locator(".after").is_visible()
    assert page.locator(".tag.right").inner_text() == "result"
    context.close()


@pytest.fixture(scope="module")
def with_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cells that are optimised, and the same by a network, whose training is drawn."""
    folder = tmp_path_factory.mktemp("networks")
    cells = []
    for number, content in enumerate("xyz"):
        cells.append(finished(content, "a", "vgg19", 1.0 + number, number))
        cells.append(by_network(content, "a", "vgg19", 2.0 + number, 3 + number))
    write_pictures(folder, *(f"pictures/{number}.png" for number in range(6)), side=96)
    write_pictures(folder, *(f"thumbs/{name}.webp" for name in (*range(6), "c", "s")))
    write_pictures(folder, "originals/c.png", "originals/s.png", "training/t.png")
    return write_page(folder, cells, network_figures={"d1": PageFigure("Training for a", "training/t.png")})


def by_network(content: str, style: str, backbone: str, loss: float, picture: int, **fields: Any) -> ReportCell:
    network = {"digest": "d1", "file": f"networks/{style}/{backbone}-d1/network.keras", "sha256": "ab" * 32}
    network |= {"size": "small", "width": 16, "blocks": 3, "upsampling": "nearest", "steps": 2000, "seconds": 600.0}
    network |= {"held_out": 12.5, "photographs": "inputs/photographs", "device": "CPU", **fields.pop("network", {})}
    quick = finished(content, style, backbone, loss, picture, **{"method": "feedforward", **fields})
    manifest = {**(quick.manifest or {}), "network": network}
    manifest["result"] = {**manifest["result"], "seconds": 0.064}
    return replace(quick, manifest=manifest)


def test_networks_have_a_series_a_filter_and_a_table_of_what_they_are_worth(opened, with_networks):
    page = opened.open(with_networks)
    assert page.locator(".series:visible h3").all_inner_texts() == ["VGG19", "VGG19, feed-forward"]
    row = page.locator("table.networks tbody tr")
    assert row.count() == 1
    assert row.locator("th").inner_text() == "a\nVGG19"
    cells = row.locator("td").all_inner_texts()
    assert cells[0] == "small (width 16, 3 blocks, nearest upsampling)\nnetworks/a/vgg19-d1/network.keras"
    assert cells[1:6] == ["10 min, 2000 steps\non inputs/photographs", "12.5", "64 ms", "1 min", "1.50 ×"]
    assert loaded(page, "#networks ~ details img")
    page.locator(".facet", has_text="Method").locator("summary").click()
    page.get_by_role("checkbox", name="feed-forward").check()
    assert visible(page) == 3


OUTSIDE = """cells => cells.filter(cell => {
    const range = document.createRange(), own = cell.getBoundingClientRect();
    const wide = document.documentElement.clientWidth;
    range.selectNodeContents(cell);
    return [own, ...range.getClientRects()].some(
        text => text.left < Math.max(0, own.left - 1) || text.right > Math.min(wide, own.right + 1));
}).map(cell => cell.textContent)"""
NAMED = "cells => cells.filter(cell => getComputedStyle(cell, '::before').content !== 'none').length"


@pytest.fixture(scope="module")
def with_many_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks for two styles, one of a long name, with all that is ever said of one."""
    folder = tmp_path_factory.mktemp("networks")
    cells, compared = [], {}
    for place, (style, backbone) in enumerate((("ink", "vgg19"), ("the_great_wave_off_kanagawa", "efficientnetv2b0"))):
        longest = {"digest": f"d{place}", "photographs": "inputs/photographs_of_the_last_holidays", "blocks": 12}
        longest["file"] = f"networks/{style}/{backbone}-0123456789abcdef/network.keras"
        cells.append(finished("x", style, backbone, 1.0, place))
        cells.append(by_network("x", style, backbone, 2.0, place, network=longest))
        cells.append(by_network("x", style, backbone, 1.5, place, network=longest, method="refine"))
        compared[cells[-2].content, style, cells[-2].series] = (1000, 1000)
        compared[cells[-1].content, style, cells[-1].series] = (0, 1000)
    write_pictures(folder, *(f"pictures/{number}.png" for number in range(2)), side=96)
    write_pictures(folder, *(f"thumbs/{name}.webp" for name in ("0", "1", "c", "s")))
    write_pictures(folder, "originals/c.png", "originals/s.png")
    return write_page(folder, cells, compared=compared)


@pytest.mark.parametrize("width", [1920, 1280, 1153, 1152, 800, 390, 320])
def test_the_table_of_networks_is_seen_whole_at_every_width(browse, with_many_networks, width):
    page = browse(viewport={"width": width, "height": 900}).open(with_many_networks)
    cells = page.locator("table.networks td, table.networks tbody th")
    assert cells.count() == 2 * 10
    assert "0 iterations (0%); 1 of 1 pictures save none" in cells.all_inner_texts()
    assert cells.evaluate_all(OUTSIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    heads = page.locator("table.networks thead").is_visible()
    # A list tells the name of each number beside it.
    assert (heads, cells.evaluate_all(NAMED)) == ((True, 0) if width > 1152 else (False, 2 * 9))
