"""`nst votes` and the files that it reads."""

from __future__ import annotations

import csv
import json

import pytest

from pipeline.subcommands import main


def ballot(scene=0, left="VGG19", right="ResNet50", **answers):
    return {"content": f"c{scene}", "style": "s", "left": left, "right": right, "answers": answers}


def written(path, votes, **others):
    path.write_text(json.dumps({"format": "nst votes 1", "votes": votes, **others}), encoding="utf-8")
    return str(path)


def test_scores_are_told_and_written(tmp_path, capsys):
    one = written(tmp_path / "one.json", [ballot(scene, hang="left", style="same") for scene in range(5)], voter="Ada")
    other = written(tmp_path / "other.json", [ballot(scene, hang="left", content="right") for scene in range(5)])
    assert main(["votes", one, other, one, "-o", str(tmp_path / "scores.csv")]) == 0
    said = capsys.readouterr().out
    assert "votes: 10, voters: 2, pairs of pictures: 5" in said
    assert "10 won, 0 lost, 0 the same" in said
    rows = list(csv.DictReader((tmp_path / "scores.csv").read_text(encoding="utf-8").splitlines()))
    best = {row["question"]: row["name"] for row in reversed(rows)}
    assert (best["hang"], best["content"]) == ("VGG19", "ResNet50")


def test_json_says_what_the_lines_say(tmp_path, capsys):
    path = written(tmp_path / "v.json", [ballot(hang="left")])
    assert main(["votes", path, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["votes"], found["voters"], found["scenes"]) == (1, 1, 1)
    assert [one["name"] for one in found["scores"]["hang"]] == ["VGG19", "ResNet50"]
    assert found["scores"]["hang"][0]["low"] is None
    assert found["scores"]["style"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[]", "is no file of votes"),
        (b'{"format": "nst votes 2", "votes": []}', "is no file of votes"),
        (b'{"format": "nst votes 1", "votes": 3}', "is no file of votes"),
        (b'{"format": "nst votes 1", "votes": [], "ballot": 5}', "its ballot or its date is not"),
        (b'{"format": "nst votes 1", "votes": [], "ballot": "\\u001b"}', "its ballot or its date is not"),
        (json.dumps({"format": "nst votes 1", "votes": [], "ballot": "1f" * 16}).encode(), "its ballot or its date"),
        (b"[" + b" " * 50_000_000 + b"]", "is larger than any file of votes; give"),
        (b'{"format": "nst votes 1", "votes": []}', "no vote was cast"),
        (b'{"format": "nst votes 1", "votes": [7]}', "vote 1 is not as the voting page writes it"),
        (json.dumps({"format": "nst votes 1", "votes": [ballot(hang="up")]}).encode(), "vote 1 is not"),
        (json.dumps({"format": "nst votes 1", "votes": [ballot(hang=[1])]}).encode(), "vote 1 is not"),
        (json.dumps({"format": "nst votes 1", "votes": [ballot(left=3)]}).encode(), "vote 1 is not"),
        (json.dumps({"format": "nst votes 1", "votes": [ballot(looks="left")]}).encode(), "vote 1 is not"),
        (
            json.dumps({"format": "nst votes 1", "votes": [ballot(right="VGG19", hang="left")]}).encode(),
            "vote 1 compares",
        ),
        (json.dumps({"format": "nst votes 1", "votes": [ballot()]}).encode(), "vote 1 is not"),
    ],
)
def test_what_is_no_file_of_votes_is_told_in_one_line(tmp_path, capsys, content, said):
    path = tmp_path / "votes.json"
    path.write_bytes(content)
    assert main(["votes", str(path), "-o", str(tmp_path / "scores.csv")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("nst votes: ")
    assert said in told
    assert str(path) in told
    assert told.count("\n") == 1
    assert not (tmp_path / "scores.csv").exists()


def test_a_file_that_is_not_there_and_hostile_names(tmp_path, capsys):
    assert main(["votes", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
    path = written(tmp_path / "v.json", [ballot(left="\ud800<b>\x1b[31m\n", right="=1+1", hang="left")], voter="\udc80")
    capsys.readouterr()
    assert main(["votes", path]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "<b>\ufffd[31m\ufffd" in said


@pytest.mark.parametrize(("output", "said"), [("v.json", "would overwrite votes"), ("scores.txt", "ends in .csv")])
def test_a_table_takes_no_other_files_place(tmp_path, capsys, output, said):
    path = written(tmp_path / "v.json", [ballot(hang="left")])
    before = (tmp_path / "v.json").read_bytes()
    assert main(["votes", path, "-o", str(tmp_path / output)]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "v.json").read_bytes() == before


def test_pictures_of_two_reports_are_not_one_because_of_their_names(tmp_path, capsys):
    paths = [written(tmp_path / f"{grid}.json", [ballot(hang="left")], grid=grid) for grid in ("a" * 16, "b" * 16)]
    assert main(["votes", *paths]) == 0
    assert "pairs of pictures: 2" in capsys.readouterr().out


def test_one_label_of_two_reports_is_two_makers_unless_told_otherwise(tmp_path, capsys):
    """Its settings may differ from report to report."""
    first = written(tmp_path / "a.json", [ballot(hang="left")], grid="patches-1a2b")
    second = written(tmp_path / "b.json", [ballot(hang="right", right="VGG16")], grid="gram-3c4d")

    def makers(*more):
        assert main(["votes", first, second, "--json", *more]) == 0
        return {one["name"] for one in json.loads(capsys.readouterr().out)["scores"]["hang"]}

    assert makers() == {"VGG19 (patches-1a2b)", "VGG19 (gram-3c4d)", "ResNet50", "VGG16"}
    assert makers("--together") == {"VGG19", "ResNet50", "VGG16"}


def test_votes_that_were_downloaded_twice_count_once(tmp_path, capsys):
    """Browsers name a second download "votes-… (1).json", and `votes-*.json` takes both."""
    votes = [ballot(scene, hang="left") for scene in range(3)]
    early = written(tmp_path / "b.json", votes[:2], ballot="1f" * 16, written="2026-11-27T10:00:00.000Z")
    late = written(tmp_path / "a.json", votes, ballot="1f" * 16, written="2026-11-28T10:00:00.000Z")
    other = written(tmp_path / "c.json", votes, ballot="2e" * 16, written="2026-11-26T10:00:00.000Z")
    for files in ([early, late, other], [late, early, other]):
        assert main(["votes", *files]) == 0
        said = capsys.readouterr().out
        assert "votes: 6, voters: 2, pairs of pictures: 3" in said
        assert f"{early}: not counted, for {late} is of the same ballot and was downloaded later" in said
    assert main(["votes", early, late, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["votes"], found["not_counted"]) == (3, [early])


def test_copies_of_a_file_and_other_spellings_of_its_path_count_once(tmp_path, capsys, monkeypatch):
    """Those without a ballot's number too."""
    one = written(tmp_path / "one.json", [ballot(hang="left")])
    copy = written(tmp_path / "copy.json", [ballot(hang="left")])
    monkeypatch.chdir(tmp_path)
    assert main(["votes", one, "one.json", copy]) == 0
    said = capsys.readouterr().out
    assert "votes: 1, voters: 1" in said
    assert "is not counted again" in said


def test_questions_that_few_or_none_answered_say_so(tmp_path, capsys):
    votes = [ballot(scene, hang="left") for scene in range(5)]
    path = written(tmp_path / "v.json", [*votes, ballot(0, style="left"), ballot(0, "VGG16", "X", hang="same")])
    assert main(["votes", path]) == 0
    style, content, hang = capsys.readouterr().out.split("\n\n")[1:]
    assert "No intervals: they take votes on at least 5 pairs of pictures" in style
    assert "No votes." in content
    assert "Never compared with those above" in hang
    assert hang.index("VGG19") < hang.index("Never compared") < hang.index("VGG16") < hang.index("No intervals")
    assert hang.count("No intervals") == 1
