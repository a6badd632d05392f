"""The page on which people vote, in a headless Chromium, opened from the disk; and what it hands to `nst votes`."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from pipeline.report.cell import PagePicture, ReportCell
from pipeline.votes.ballot import BALLOT, ballot_html, scenes
from pipeline.votes.vote_files import read_votes

SERIES = ("vgg16", "vgg19", "resnet50")


def cell(content, style, backbone, status="done"):
    name = f"pictures/{len(content)}-{backbone}.png"
    return ReportCell(
        content,
        style,
        backbone,
        status,
        {"digest": f"{content}{backbone}"} if status == "done" else None,
        picture=name if status == "done" else "",
        content_picture=PagePicture("pictures/c.png", "pictures/c.png"),
        style_picture=PagePicture("pictures/s.png", "pictures/s.png"),
    )


CELLS = [cell(content, "s", backbone) for content in ("cat", "</script><b>&") for backbone in SERIES]


def test_only_what_can_be_compared_is_shown():
    cells = [*CELLS, cell("lonely", "s", "vgg16"), cell("lonely", "s", "vgg19", "failed")]
    assert [(scene["content"], len(scene["results"])) for scene in scenes(cells)] == [("</script><b>&", 3), ("cat", 3)]
    assert scenes([cell("cat", "s", "vgg16"), cell("dog", "s", "vgg16")]) == []


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ballot")
    (folder / "pictures").mkdir()
    results = [each.picture.partition("/")[2] for each in CELLS]
    for number, each in enumerate(["c.png", "s.png", *results]):
        Image.new("RGB", (160, 120), (30 * number, 90, 160)).save(folder / "pictures" / each)
    path = folder / BALLOT
    path.write_text(ballot_html(CELLS, title="A <grid>", grid="ab" * 8), encoding="utf-8")
    return path


def reload_later(page):
    """Chromium may read what a page keeps in another process, which is told of it a moment later."""
    page.wait_for_timeout(500)
    page.reload()


def test_votes_are_cast_blind_taken_back_kept_and_downloaded(page_path, browse, tmp_path):
    page = browse(accept_downloads=True).open(page_path.parent, name=BALLOT)
    shown = page.locator("body").inner_text()
    for text in (shown, page_path.read_text(encoding="utf-8")):
        assert not any(name in text for name in ("VGG16", "VGG19", "ResNet50"))
    assert "0 of 6 pairs are done" in shown
    for key in "131":
        page.keyboard.press(key)
    assert "1 of 6" in page.locator("#count").inner_text()
    page.keyboard.press("Backspace")
    assert "0 of 6" in page.locator("#count").inner_text()
    page.locator("[data-question=hang] [data-answer=right]").click()
    page.locator("[data-question=style] [data-answer=same]").click()
    page.locator("[data-question=content] [data-answer=left]").click()
    page.locator("#skip").click()
    page.locator("#voter").fill("Ada")
    page.locator("#voter").blur()
    reload_later(page)
    assert "1 of 6" in page.locator("#count").inner_text()
    for _ in range(5):
        for key in "222":
            page.keyboard.press(key)
    assert page.locator("#done").is_visible()
    with page.expect_download() as download:
        page.locator("#export").click()
    download.value.save_as(tmp_path / "votes.json")
    votes = read_votes(tmp_path / "votes.json").votes
    assert len(votes) == 6
    assert {vote.voter for vote in votes} == {"Ada"}
    assert dict(votes[0].answers) == {"style": "same", "content": "left", "hang": "right"}
    pairs = {(vote.scene, frozenset((vote.left, vote.right))) for vote in votes}
    assert len(pairs) == 6
    assert {vote.scene[1] for vote in votes} == {"cat", "</script><b>&"}
    cells = json.loads((tmp_path / "votes.json").read_text(encoding="utf-8"))["votes"][0]["cells"]
    assert len(set(cells)) == 2


def sides(page):
    return [page.locator(f"#{side}").get_attribute("src") for side in ("left", "right")]


def vote_on_all(page):
    """The sides of each pair, in order. Pictures are loaded before the page is left, so that no request is cut off."""
    seen = []
    for _ in range(6):
        seen.append(sides(page))
        for key in "123":
            page.keyboard.press(key)
    page.evaluate("Promise.all([...document.images].map((each) => each.decode()))")
    return seen


KEPT = "JSON.parse(Object.values(localStorage)[0]).votes.length"


def test_votes_of_the_visit_before_are_taken_back_with_each_result_where_it_was(page_path, opened):
    page = opened.open(page_path.parent, name=BALLOT)
    seen = vote_on_all(page)
    reload_later(page)
    assert page.locator("#done").is_visible()
    assert page.locator("#back").is_enabled()
    page.keyboard.press("Backspace")
    assert "5 of 6" in page.locator("#count").inner_text()
    taken_back = [sides(page)]
    for _ in range(5):
        page.locator("#back").click()
        taken_back.append(sides(page))
    assert taken_back == seen[::-1]
    assert page.locator("#back").is_disabled()
    assert "0 of 6" in page.locator("#count").inner_text()
    assert page.evaluate(KEPT) == 0
    for key in "321":
        page.keyboard.press(key)
    assert page.evaluate(KEPT) == 1


def test_a_vote_on_results_that_the_report_no_longer_has_cannot_be_shown_again_and_is_kept(page_path, opened):
    page = opened.open(page_path.parent, name=BALLOT)
    vote_on_all(page)
    page.evaluate(
        """() => {
          const [name, text] = Object.entries(localStorage)[0];
          const kept = JSON.parse(text);
          kept.votes[1].identity = "made anew since";
          localStorage.setItem(name, JSON.stringify(kept));
        }"""
    )
    reload_later(page)
    assert "5 of 6" in page.locator("#count").inner_text()
    for left in range(4, -1, -1):
        page.locator("#back").click()
        assert f"{left} of 6" in page.locator("#count").inner_text()
    assert page.locator("#back").is_disabled()
    assert page.evaluate(KEPT) == 1


def test_either_result_stands_on_either_side(page_path, opened):
    seen = set()
    for _ in range(12):
        page = opened.open(page_path.parent, name=BALLOT)
        seen.add(page.locator("#left").get_attribute("src").rpartition("-")[2])
        if len(seen) > 1:
            break
    assert len(seen) > 1


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_runs_over_the_edge(page_path, browse, width):
    page = browse(viewport={"width": width, "height": 800}).open(page_path.parent, name=BALLOT)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def press(page, keys):
    for key in keys:
        page.keyboard.press(key)


def test_two_tabs_lose_no_votes_of_each_other(page_path, browse):
    window = browse()
    first, second = window.open(page_path.parent, name=BALLOT), window.tab(page_path.parent, name=BALLOT)
    press(second, "111" * 2)
    first.locator("#count", has_text="2 of 6").wait_for()
    press(first, "333")
    second.locator("#count", has_text="3 of 6").wait_for()
    assert second.evaluate(KEPT) == 3
    press(first, "1")  # is not lost when the other votes on another pair, or takes back
    press(second, ["Backspace"])
    first.locator("#count", has_text="2 of 6").wait_for()
    assert first.locator("[data-question=style] [aria-pressed=true]").count() == 1


def test_a_key_that_is_held_votes_once(page_path, opened):
    page = opened.open(page_path.parent, name=BALLOT)
    for _ in range(9):
        page.keyboard.down("1")  # from the second on it repeats
    assert page.locator("[aria-pressed=true]").count() == 1
    assert "0 of 6" in page.locator("#count").inner_text()


def downloaded(page, path):
    with page.expect_download() as download:
        page.locator("#export").click()
    download.value.save_as(path)
    return read_votes(path)


def test_downloads_of_one_ballot_are_told_from_those_of_the_next(page_path, browse, tmp_path):
    page = browse(accept_downloads=True).open(page_path.parent, name=BALLOT)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#voter").fill("Ada")
    press(page, ["Tab", *"222"])
    one = downloaded(page, tmp_path / "1.json")
    reload_later(page)
    press(page, "222")
    same = downloaded(page, tmp_path / "2.json")
    page.locator("#forget").click()
    assert page.locator("#voter").input_value() == ""
    press(page, "222")
    other = downloaded(page, tmp_path / "3.json")
    assert one.ballot == same.ballot != other.ballot
    assert one.ballot[0] == "ab" * 8
    assert [len(each.votes) for each in (one, same, other)] == [1, 2, 1]
    assert one.written < same.written < other.written
    assert [each.votes[0].voter for each in (one, same, other)] == ["Ada", "Ada", other.ballot[1]]


def test_the_next_voter_has_a_ballot_though_the_first_took_all_back(page_path, browse, tmp_path):
    page = browse(accept_downloads=True).open(page_path.parent, name=BALLOT)
    press(page, "222")
    one = downloaded(page, tmp_path / "1.json")
    press(page, ["Backspace"])
    page.locator("#forget").click()
    press(page, "222")
    assert downloaded(page, tmp_path / "2.json").ballot != one.ballot


def test_a_browser_that_keeps_nothing_says_so_and_hands_out_its_own_votes(page_path, browse, tmp_path):
    window = browse(accept_downloads=True)
    kept = window.open(page_path.parent, name=BALLOT)
    press(kept, "111")
    window.context.add_init_script("Storage.prototype.setItem = () => { throw new Error('full'); };")
    page = window.tab(page_path.parent, name=BALLOT)
    assert "keeps nothing" in page.locator("#kept").inner_text()
    press(page, "333")
    press(kept, "111")  # of which the other is told, and which must not take the place of its own
    kept.locator("#count", has_text="2 of 6").wait_for()
    press(page, "333")
    one, other = (downloaded(each, tmp_path / f"{number}.json") for number, each in enumerate((page, kept)))
    assert one.ballot != other.ballot
    assert [vote.answers["hang"] for vote in one.votes] == ["left", "right", "right"]
    assert [vote.answers["hang"] for vote in other.votes] == ["left", "left"]


@pytest.mark.parametrize("text", ["{", "null", "7", '{"votes": 3, "ballot": "x"}'])
def test_what_cannot_be_read_is_written_over(page_path, browse, text):
    window = browse()
    page = window.open(page_path.parent, name=BALLOT)
    page.evaluate("text => localStorage.setItem(Object.keys(localStorage)[0], text)", text)
    reload_later(page)
    assert "are kept" in page.locator("#kept").inner_text()
    press(page, "111")
    assert page.evaluate(KEPT) == 1


def test_with_nothing_to_choose_between_nobody_is_thanked(tmp_path, opened):
    (tmp_path / BALLOT).write_text(ballot_html([], title="t", grid="g"), encoding="utf-8")
    page = opened.open(tmp_path, name=BALLOT)
    assert "No pair of pictures has two results" in page.locator("#done").inner_text()
    assert page.locator("#skip").is_disabled()
