"""The page on which people vote: two results of one pair of pictures side by side, and no word of their makers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from nstcore.system.files import encodable
from pipeline.report.cell import ReportCell, in_order
from pipeline.report.page_text import url
from pipeline.report.templating import environment, script_hash, sources

#: The page's name in the folder of a report.
BALLOT = "vote.html"

#: What is asked of each pair of results, by the name it has in the votes.
QUESTIONS = {
    "style": "Which has more of the style?",
    "content": "Which keeps more of the content?",
    "hang": "Which would you hang on your wall?",
}


def scenes(cells: Iterable[ReportCell]) -> list[dict[str, Any]]:
    """What is voted on, as plain data for JSON: a content and a style picture, and two results of them or more.

    A pair of pictures with one result is left out, as is all of a grid that has one series.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cell in in_order(cells):
        if cell.status != "done":
            continue
        scene = found.setdefault(
            (cell.content, cell.style),
            {
                "content": encodable(cell.content),
                "style": encodable(cell.style),
                "originals": [url(one.picture) if one else "" for one in (cell.content_picture, cell.style_picture)],
                "results": [],
            },
        )
        digest = str((cell.manifest or {}).get("digest") or "")
        scene["results"].append([encodable(cell.series.label), digest, url(cell.picture)])
    return [scene for scene in found.values() if len(scene["results"]) > 1]


def ballot_html(cells: Iterable[ReportCell], *, title: str, grid: str) -> str:
    """The page, which needs nothing but the pictures in its folder, and sends nothing anywhere.

    It shows the pairs in an order of chance, either result on either side, keeps the answers in the browser, and gives
    them as a file that `nst votes` reads. Makers' names are not plain in its source: base64 keeps them from the eyes of
    who looks there, and from nobody who wants to know.

    Args:
        cells: those of a report, with paths relative to its folder, unquoted.
        title: of the grid.
        grid: the report's own name, by which votes on it are told from those on others.

    Returns:
        HTML to be written as UTF-8. All names are escaped, all paths quoted.
    """
    script = sources("votes/ballot.js")
    found = scenes(cells)
    data = {"grid": grid, "title": encodable(title), "questions": list(QUESTIONS), "scenes": found}
    return encodable(
        environment()
        .get_template("votes/ballot.html")
        .render(
            title=title,
            style=sources("page/page.css", "votes/ballot.css"),
            script=script,
            script_hash=script_hash(script),
            questions=QUESTIONS,
            scenes=found,
            data=base64.b64encode(json.dumps(data).encode()).decode(),
        )
    )
