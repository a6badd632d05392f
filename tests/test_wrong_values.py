"""Every setting, every way that a value enters, wrong values of every type: one line that says so, and nothing happens.

The rows are generated from the settings themselves, the fields of `TransferConfig`, the options of the commands and the
parameters of the tasks, so that a new one is among them by itself.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import json
import math
import subprocess
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

import luigi
import numpy as np
import pytest
from luigi import interface
from luigi.cmdline_parser import CmdlineParser
from luigi.retcodes import run_with_retcodes

from nstcore import ConfigError, TransferConfig, cli_options, presets
from nstcore.pictures.images import write_picture
from pipeline import subcommands
from pipeline.grid.study import Study, read_study, varied
from pipeline.samples import __main__ as samples_command
from tasks import FullGrid, NightlyGrid, PaperFigures, Sweep

HINTS = typing.get_type_hints(TransferConfig)
HUGE = 10**400


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


#: What no setting can be.
ALIEN: dict[str, Any] = {
    "None": None,
    "bytes": b"max",
    "a mapping": {"a": 1},
    "a set": {"block1_conv1"},
    "an iterator": iter(("block1_conv1",)),
    "a class": dict,
    "an object": object(),
    "complex": 1j,
    "a date": datetime.date(2026, 2, 28),
    "an array": np.ones((2, 2)),
    "true": True,
    "nan": math.nan,
    "infinite": math.inf,
    "negative": -1,
    "a negative number of over a thousand digits": -(10**5000),
    "a mixed list": [1, "a", None],
    "nested": nested(900),
    "no path": "a\0b",
    "lines": [["one\ntwo"]],
}
#: What some settings can be and others cannot.
DOUBTFUL: dict[str, Any] = {
    "zero": 0,
    "one": 1,
    "a fraction": 0.5,
    "huge": HUGE,
    "over a thousand digits": 10**5000,
    "a text": "nonsense",
    "an empty text": "",
    "a list of nothing": [],
    "numbers": [1, 2, 3],
    "huge numbers": [HUGE],
    "texts": ["a", "b"],
    "twice the same": ["a", "a"],
    "a text of many lines": "one\ntwo",
}
VALUES = {**ALIEN, **DOUBTFUL}


def is_of(value: Any, hint: Any) -> bool:
    """Whether a value is what an annotation says. Only what annotations of settings are made of is known."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin in (typing.Union, types.UnionType):
        return any(is_of(value, part) for part in parts)
    if origin is tuple:
        return isinstance(value, tuple) and all(is_of(each, parts[0]) for each in value)
    assert hint in (str, int, float), f"how values of {hint} are told is not known here; say so"
    return type(value) is hint


def message_of(call: Callable[[], Any]) -> str:
    """The line that a call is refused with, "" if it is not."""
    try:
        call()
    except ConfigError as error:
        return str(error)
    return ""


PYTHON: dict[str, Callable[[str, Any], Any]] = {
    "TransferConfig": lambda name, value: TransferConfig(**{name: value}),
    "from_dict": lambda name, value: TransferConfig.from_dict({name: value}),
    "presets.get": lambda name, value: presets.get("gatys2016", **{name: value}),
    "Study": lambda name, value: Study(settings={name: value}).require_possible(),
    "Study, varied": lambda name, value: Study(axes=(varied(name, [value]),)).require_possible(),
    "FullGrid": lambda name, value: FullGrid(settings={name: value}).study().require_possible(),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Luigi's, of a value of another type
@pytest.mark.parametrize("way", PYTHON)
@pytest.mark.parametrize("name", HINTS)
def test_a_setting_is_refused_or_is_what_it_says(name, way):
    for kind, value in VALUES.items():
        if way == "FullGrid" and ("digits" in kind or kind == "nested"):
            continue  # Luigi writes out all parameters before it looks at them, which Python refuses
        message = message_of(lambda value=value: PYTHON[way](name, value))
        assert message or kind not in ALIEN, kind
        assert "\n" not in message
        assert len(message) < 1500
        assert not message or "eceived: " in message
        assert not message or name in message, kind
        if not message:
            # A grid takes what belongs to frequencies, for the backbones whose preset optimises them.
            basis = {"parametrization": "fourier"} if name.startswith("fourier_") else {}
            assert is_of(getattr(TransferConfig(**basis, **{name: value}), name), HINTS[name]), kind


@pytest.mark.parametrize("way", ["from_dict", "Study", "Study, varied"])
@pytest.mark.parametrize("kind", VALUES)
def test_settings_that_are_no_mapping_or_have_no_such_name_are_refused(kind, way):
    value = VALUES[kind]
    calls: dict[str, Callable[[Any], Any]] = {
        "from_dict": TransferConfig.from_dict,
        "Study": lambda settings: Study(settings=settings),
        "Study, varied": lambda settings: Study(settings={"preset": settings}),
    }
    message = message_of(lambda: calls[way](value))
    assert message
    assert "\n" not in message
    name = value if isinstance(value, str | int | bytes) else kind
    message = message_of(lambda: TransferConfig.from_dict({name: 1}))
    assert "unknown setting" in message


@pytest.mark.parametrize("name", [each.name for each in fields(Study) if each.name != "axes"])
def test_a_study_refuses_what_is_not_its_kind(name):
    for kind in ("None", "bytes", "a date", "an object", "true", "an array", "negative", "lines"):
        message = message_of(lambda kind=kind: Study(**{name: ALIEN[kind]}))
        assert message, kind
        assert "\n" not in message


class Row(NamedTuple):
    """A command with one wrong value."""

    command: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.command, *self.words))[:80]


JSON_VALUES = [-1, 0.5, True, None, "nonsense", "", "a\0b", {"a": 1}, [[1]], HUGE]
#: No value is wrong before it is used.
ANY_TEXT = {"output_dir", "nights_dir", "weights"}


def wrong_texts(name: str, parameter: luigi.Parameter) -> Iterator[str]:
    """What a parameter of a task cannot be, as a flag gives it."""
    if isinstance(parameter, luigi.DictParameter):
        yield from ("x", "[1]", "3", '"text"', "null", "{", "[" * 100_000, '{"a": ' * 5_000, '{"nonsense": 1}')
        yield '{"seed": ' + "9" * 5_000 + "}"
        if name != "settings":
            return  # those below are of a transfer
        for field, hint in HINTS.items():
            accepted = [
                value for value in JSON_VALUES if not message_of(lambda v=value, f=field: TransferConfig(**{f: v}))
            ]
            assert len(accepted) < len(JSON_VALUES) / 2, (field, hint)
            refused = [value for value in JSON_VALUES if value not in accepted]
            yield from (json.dumps({field: value}) for value in refused[::4])  # the others are as those from Python
    elif isinstance(parameter, luigi.ListParameter):
        yield from ("x", "", "3", '"text"', "null", "[", "[1]", '[""]', '[["a"]]', '{"a": "b"}', "[" * 100_000)
    elif isinstance(parameter, luigi.ChoiceParameter):
        yield from ("nonsense", "")
    elif isinstance(parameter, luigi.BoolParameter):
        yield from ("maybe", "2")
    elif isinstance(parameter, luigi.DateParameter):
        yield from ("2026-02-30", "yesterday", "2026", "", "0000-01-01")
    elif isinstance(parameter, luigi.IntParameter):
        yield from ("abc", "1.5", "nan", "-1", "9" * 5_000, "")
    elif isinstance(parameter, luigi.FloatParameter):
        yield from ("abc", "nan", "-1", "")
    else:
        assert type(parameter) is luigi.Parameter, f"what {name} cannot be is not known here; say so"
        if name not in ANY_TEXT:
            yield "nonsense\nof two lines"
        if parameter._default:
            yield ""


def required(task: type[luigi.Task]) -> list[str]:
    return {NightlyGrid: ["--date=2026-11-21"]}.get(task, [])


def luigi_rows() -> Iterator[Row]:
    for task in (FullGrid, Sweep, NightlyGrid, PaperFigures):
        for name, parameter in task.get_params():
            others = [flag for flag in required(task) if not flag.startswith(f"--{name}=")]
            for text in wrong_texts(name, parameter):
                yield Row("luigi", (task.get_task_family(), *others, f"--{name.replace('_', '-')}={text}"))
    for name, parameter in NightlyGrid.get_params():
        if name not in ("date", *ANY_TEXT):
            text = next(iter(wrong_texts(name, parameter)))
            span = ("--of=NightlyGrid", "--param-name=date", "--start=2026-11-20", "--days-back=2")
            yield Row("luigi", ("RangeDailyBase", *span, f"--NightlyGrid-{name.replace('_', '-')}={text}"))
    for words in (["Sweep"], ["NightlyGrid"], ["FullGird"], ["FullGrid", "--nonsense=1"], ["FullGrid", "extra"]):
        yield Row("luigi", tuple(words))
    for flag in ("--workers=0", "--workers=-3", "--workers=abc", "--log-level=LOUD", "--scheduler-port=abc"):
        yield Row("luigi", ("FullGrid", flag))


def options_of(main: Callable[..., int], *words: str) -> list[argparse.Action]:
    """The options of a command, as its own parser has them."""
    found: list[argparse.Action] = []

    def stop(parser: argparse.ArgumentParser, *_: Any) -> None:
        found.extend(parser._actions)
        raise SystemExit

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(SystemExit):
            main(list(words))
    return found


def nst_texts(command: str, action: argparse.Action) -> Iterator[str]:
    """What an option cannot be."""
    if action.nargs == 0 or action.choices:
        yield "nonsense"
    elif action.type is int:
        yield from ("abc", "1.5", "", "nan", "-1", "9" * 5_000, f"{HUGE}")
    elif action.type is float:
        yield from ("abc", "nan", "inf", "-1", "1e400", "")
    elif action.type is None:
        by_name = {"output": ["nowhere/out.png", "out.nonsense", "."], "trace": ["nowhere/x.csv", "."], "weights": [""]}
        by_name |= {"state": ["nowhere/x.npz", ".", ""]}
        by_name |= {"output": ["nowhere/map"]} if "map" in command else {}
        yield from by_name.get(action.dest, ["nonsense\nof two lines"])
    else:  # lists
        yield from ("a,a", "a,,a,")


NST: dict[str, tuple[Callable[..., int], tuple[str, ...], tuple[str, ...]]] = {
    "nst": (subcommands.main, (), ("inputs/content/china.png", "inputs/style/brushwork.png", "--output=out.png")),
    "nst measure": (subcommands.main, ("measure",), ("inputs/content/china.png", "inputs/style/brushwork.png")),
    "nst map": (subcommands.main, ("map",), ("inputs/both", "--output=map")),
    "samples": (samples_command.main, (), ()),
}


def nst_rows() -> Iterator[Row]:
    for command, (main, first, rest) in NST.items():
        for action in options_of(main, *first):
            if action.dest in ("help", "version") or (command == "samples" and action.type is Path):
                continue
            for text in nst_texts(command, action):
                if action.option_strings:
                    flag = action.option_strings[-1]
                    words = [word for word in rest if not word.startswith(f"{flag}=")] + [f"{flag}={text}"]
                else:
                    place = [each.dest for each in options_of(main, *first) if not each.option_strings].index(
                        action.dest
                    )
                    words = [*rest[:place], text, *rest[place + 1 :]]
                yield Row(command, (*first, *words))
        yield Row(command, (*first, *rest, "--nonsense"))


TOML = [
    "size = 3",
    "title = 3",
    "title = ",
    "backbones = 5",
    "backbones = [5]",
    'backbones = ["nope"]',
    "contents = 2026-02-28",
    'contents = ["nonsense"]',
    'content_dir = ""',
    'content_dir = "a\\u0000b"',
    "preset = []",
    "settings = 3",
    "sweep = 3",
    "cases = 3",
    'cases = ["a"]',
    "[sweep]\nnonsense = [1]",
    "[sweep]\nsize = 64",
    "[[cases]]\nname = 3",
    "[settings]\nseed = " + "9" * 5_000,
    "[settings]\nstyle_layers = " + "[" * 5_000 + "]" * 5_000,
]


def toml_rows() -> Iterator[str]:
    yield from TOML
    for field in HINTS:
        for text in ("2026-02-28", "1979-05-27T07:32:00Z", "true", "nan", "-1", "{a = 1}"):
            yield f"[settings]\n{field} = {text}"
            yield (
                f"[[cases]]\nname = 'one'\n{field} = {text}" if field != "backbone" else f"[sweep]\n{field} = [{text}]"
            )
            yield f"[sweep]\n{field} = [{text}]"


@pytest.fixture(scope="module")
def place(tmp_path_factory, blotches) -> Path:
    """A folder in which every command would find what it needs."""
    root = tmp_path_factory.mktemp("place")
    for seed, name in enumerate(("content/china", "style/brushwork", "both/one", "both/two")):
        path = root / "inputs" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_picture(path, blotches(seed, 40, 50))
    return root


@pytest.fixture(scope="module")
def build_parser() -> Callable[..., argparse.ArgumentParser]:
    """Luigi's parser of a task: made once, not for every row again, which takes most of its time."""
    return functools.cache(CmdlineParser._build_parser)


@pytest.fixture
def refused(place, build_parser, monkeypatch, capsys) -> Callable[[Row], str]:
    """Run a command in this process: its one line, once it is seen that nothing else has become of it."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("NSTCORE_CACHE", str(place / "cache"))

    def no_work(*_: Any, **__: Any) -> None:
        raise AssertionError("something was scheduled")

    monkeypatch.setattr(interface, "_schedule_and_run", no_work)
    monkeypatch.setattr(CmdlineParser, "_build_parser", staticmethod(build_parser))
    before = sorted(place.rglob("*"))

    def run(row: Row) -> str:
        if row.command == "luigi":
            with pytest.raises(SystemExit) as ended:
                run_with_retcodes(list(row.words))
            status = ended.value.code
        else:
            try:
                status = NST[row.command][0](list(row.words))
            except SystemExit as end:
                status = end.code
        out, err = capsys.readouterr()
        assert status == 2, (str(row), err[-2000:])
        assert out == ""
        assert err.count("\n") == 1, (str(row), err[:2000])
        assert err.endswith("\n")
        assert len(err) < 1500 + max(map(len, row.words))
        assert sorted(place.rglob("*")) == before, str(row)
        return err

    return run


def by_command(rows: Iterator[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        option = next((word.partition("=")[0] for word in reversed(row.words) if word.startswith("--")), "")
        grouped.setdefault(f"{row.command} {row.words[0][:12] if row.command == 'luigi' else ''} {option}", []).append(
            row
        )
    return grouped


ROWS = by_command(luigi_rows()) | by_command(nst_rows())


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_value_ends_a_command_with_one_line_before_anything_happens(name, refused):
    for row in ROWS[name]:
        refused(row)


def test_every_option_and_parameter_is_in_the_table():
    flags = {word.partition("=")[0] for rows in ROWS.values() for row in rows for word in row.words}
    for task in (FullGrid, Sweep, NightlyGrid, PaperFigures):
        assert {f"--{name.replace('_', '-')}" for name, _ in task.get_params() if name not in ANY_TEXT} <= flags
    assert {f"--{name.replace('_', '-')}" for name in cli_options.SETTINGS} <= flags
    assert sum(map(len, ROWS.values())) > 300


def test_a_study_file_with_a_wrong_value_is_one_line_with_its_name(place, refused):
    for number, text in enumerate(toml_rows()):
        file = place.parent / f"study{number}.toml"
        file.write_text(text, encoding="utf-8")
        message = message_of(lambda file=file: read_study(file).require_possible())
        assert "\n" not in message
        assert message or text == 'contents = ["nonsense"]', text
        if number % 9 == 0 or text in TOML:
            assert message in refused(Row("luigi", ("Sweep", f"--config={file}")))


@pytest.mark.parametrize("task", ["FullGrid", "NightlyGrid"])
def test_a_wrong_value_in_a_file_of_luigis_is_one_line_too(task, refused, monkeypatch):
    settings = {
        "FullGrid": {"size": "abc", "settings": "[1]"},
        "NightlyGrid": {"keep_nights": "0", "worse_loss": "nan"},
    }
    for name, text in settings[task].items():
        config = luigi.configuration.get_config()
        monkeypatch.setattr(config, "has_option", config.has_option)
        config.set(task, name, text)
        try:
            line = refused(Row("luigi", (task, *required({"FullGrid": FullGrid, "NightlyGrid": NightlyGrid}[task]))))
        finally:
            config.remove_section(task)
        assert name in line


def test_a_process_of_its_own_ends_as_one_in_here(place, refused):
    """The rows above run in this process. These few see that a real command ends in the same way."""
    rows = [
        Row("luigi", ("FullGrid", "--settings=[1]")),
        Row("luigi", ("Sweep", "--config=nonsense.toml")),
        Row("nst", ("inputs/content/china.png", "inputs/style/brushwork.png", "--output=out.png", "--size=8")),
    ]
    starts: Mapping[str, Sequence[str]] = {
        "luigi": ("-m", "luigi", "--module", "tasks"),
        "nst": ("-c", "import sys; from pipeline.subcommands import main; sys.exit(main())"),
    }
    for row in rows:
        line = refused(row)
        command = [sys.executable, *starts[row.command], *row.words]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=place, env=child_environment(), check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", line)


def child_environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
