"""How the templates of pages are filled: everything escaped, and nothing that a template asks for may lack."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.page_text import url

_TEMPLATES = Path(__file__).with_name("templates")


def environment() -> Environment:
    """Jinja's, with the filter `url`; names of templates are paths in `templates`."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["url"] = url
    return made


def sources(*names: str) -> Markup:
    """Files of ours as they are, one after the other; an engine would find markup of its own in styles and scripts."""
    return Markup("\n").join(Markup(_TEMPLATES.joinpath(name).read_text(encoding="utf-8")) for name in names)


def script_hash(script: str) -> str:
    """What a page's policy says of the one script that may run, SHA-256 in base64."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
