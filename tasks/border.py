"""The border between a person and Luigi: what is asked for is checked before anything is scheduled.

Luigi tells of a wrong value with a traceback, and of one that only a task notices after everything before that task has
run. It has no place for a check of one's own, so its parser is given one when this project is imported: what is wrong
ends in one line on stderr and exit status 2, as with the command `nst`. An interrupt ends in one line too.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import luigi
from luigi import interface
from luigi.cmdline_parser import CmdlineParser
from luigi.configuration import get_config
from luigi.parameter import DateParameter, MissingParameterException
from luigi.task_register import Register, TaskClassException
from luigi.tools.range import RangeBase

from nstcore import ConfigError, StyleTransferError
from nstcore.checks import expected, whole_number
from nstcore.errors import one_line, received
from nstcore.system.entry_point import BAD_INPUT
from nstcore.system.interruption import ended_by_interrupt, how_ended, status_of
from nstcore.system.streams import tell
from pipeline.storage.places import place_at, require_known
from pipeline.upkeep.sweeping import sweep
from tasks.defaults import SCHEDULER, set_option

_EXPECTED: tuple[tuple[type[luigi.Parameter], str], ...] = (
    (luigi.BoolParameter, "true or false"),
    (luigi.IntParameter, "a whole number"),
    (luigi.FloatParameter, "a number"),
    (DateParameter, "a date such as 2026-11-21"),
    (luigi.DictParameter, 'JSON of names and values, such as {"style_weight": 20}'),
)


# The task of this process, for the last words of an interrupted run. Luigi has forgotten it by then.
_asked: list[luigi.Task] = []


def guard() -> None:
    """Put the checks in their places, once."""
    if not hasattr(CmdlineParser.get_task_obj, "__wrapped__"):
        CmdlineParser.get_task_obj = _checked(CmdlineParser.get_task_obj)
        CmdlineParser._build_parser = staticmethod(_in_one_line(CmdlineParser._build_parser))
        interface._run = _interruptible(interface._run)


def _refuse(error: object) -> NoReturn:
    tell(f"luigi: {one_line(error)}")
    raise SystemExit(BAD_INPUT)


def _in_one_line(build_parser: Callable[..., argparse.ArgumentParser]) -> Callable[..., argparse.ArgumentParser]:
    """Make parsers that say in one line what is wrong with a command, the name of the task included."""

    @functools.wraps(build_parser)
    def build(root_task: str | None = None, help_all: bool = False) -> argparse.ArgumentParser:
        parser = build_parser(root_task, help_all)
        parser.error = _refuse  # type: ignore[assignment, method-assign]
        if root_task is not None:
            try:
                Register.get_task_cls(root_task)
            except TaskClassException as error:
                _refuse(" ".join(str(error).split()))  # Luigi lists similar names a line each
        return parser

    return build


def _checked(get_task: Callable[[CmdlineParser], luigi.Task]) -> Callable[[CmdlineParser], luigi.Task]:
    """Check every value that was given, and then the task that they make."""

    @functools.wraps(get_task)
    def get_checked_task(parser: CmdlineParser) -> luigi.Task:
        try:
            _check_values(parser)
            task = get_task(parser)
            for place in _named_by(task, "output_dir", "nights_dir"):
                require_known(place)
            for each in _asked_for(task):
                check = getattr(each, "check", None)
                if check is not None:
                    check()
        except StyleTransferError as error:
            _refuse(error)
        _asked[:] = [task]
        for output in _named_by(task, "output_dir"):
            sweep(place_at(output))
        if any(getattr(parser.known_args, f"core_{name}", None) for name in SCHEDULER):
            set_option("core", "local_scheduler", False)  # who names a scheduler wants that one
        return task

    return get_checked_task


def _asked_for(task: luigi.Task) -> Iterator[luigi.Task]:
    """The task, or the first of a range of tasks: they differ in their dates."""
    yield from task.requires()[:1] if isinstance(task, RangeBase) else [task]


def _named_by(task: luigi.Task, *names: str) -> set[str]:
    """The folders that parameters of a task name."""
    return {getattr(each, name) for each in _asked_for(task) for name in names if getattr(each, name, "")}


def _check_values(parser: CmdlineParser) -> None:
    """See that each value of the task and of Luigi itself can be read, whether a flag gives it or a file.

    Raises:
        ConfigError: naming the flag.
    """
    asked = Register.get_task_cls(parser.known_args.root_task)
    for name, parameter in asked.get_params():
        _check_value(asked, name, parameter, getattr(parser.known_args, name))
    if issubclass(asked, RangeBase) and parser.known_args.of:
        of_the_range = Register.get_task_cls(parser.known_args.of)
        for name, parameter in of_the_range.get_params():
            if name != parser.known_args.param_name:
                flag = parameter._parser_global_dest(name, of_the_range.get_task_family())
                _check_value(of_the_range, name, parameter, getattr(parser.known_args, flag))
    for name, parameter in interface.core.get_params():
        _check_value(interface.core, name, parameter, getattr(parser.known_args, f"core_{name}"))
    # One that asks for a task and does none itself leaves it to the workers of a central scheduler.
    names_one = any(getattr(parser.known_args, f"core_{name}", None) for name in SCHEDULER)
    is_local = interface.core().local_scheduler and not names_one
    whole_number("workers", interface.core().workers, 1 if is_local else 0)
    logging_file = interface.core().logging_conf_file
    if logging_file and not os.path.isfile(logging_file):
        raise ConfigError(expected("--logging-conf-file", "a file that exists", logging_file))
    for family in Register.task_names():  # Luigi's own settings of its parts, such as --worker-timeout
        section = Register.get_task_cls(family)
        if issubclass(section, luigi.Config) and section is not interface.core:
            for name, parameter in section.get_params():
                text = getattr(parser.known_args, parameter._parser_global_dest(name, family), None)
                if text:
                    _check_value(section, name, parameter, text, flag=f"--{family}-{name}".replace("_", "-"))


def _check_value(
    task: type[luigi.Task], name: str, parameter: luigi.Parameter, text: str | None, flag: str = ""
) -> None:
    flag, family = flag or f"--{name.replace('_', '-')}", task.get_task_family()
    if text == "" and parameter._default != "":
        raise ConfigError(f"{flag} is empty; give it a value, or leave it out")
    try:
        if text:
            parameter.normalize(parameter.parse(text))
        else:
            parameter.task_value(family, name)
    except StyleTransferError:
        raise
    except MissingParameterException:
        raise ConfigError(f"{family} needs {flag}: {parameter.description}") from None
    except Exception as error:  # whatever a value does to the reader of its kind
        words_for = next((words for kind, words in _EXPECTED if isinstance(parameter, kind)), "")
        if isinstance(parameter, luigi.ChoiceParameter):
            words_for = f"one of {', '.join(sorted(parameter._choices))}"
        # Without a flag it is a file that has a wrong value.
        place = flag if text else f"{name} in [{family}] of Luigi's configuration"
        value = text or get_config().get(family, name, None)
        what = f"must be {words_for}" if words_for else f"cannot be read ({error})"
        raise ConfigError(f"{place} {what}. Received: {received(value)}") from error


def _interruptible(run: Callable[..., Any]) -> Callable[..., Any]:
    """End a run that is interrupted or terminated with one line that says how far it came."""

    @functools.wraps(run)
    def run_until_interrupted(*arguments: Any, **others: Any) -> Any:
        try:
            with ended_by_interrupt(lambda: f"luigi: {how_ended()}; {_how_far()}the same command goes on from there"):
                return run(*arguments, **others)
        except KeyboardInterrupt as interrupt:
            raise SystemExit(status_of(interrupt)) from None
        except ConfigError as error:  # such as a scheduler that is not there
            _refuse(error)

    return run_until_interrupted


def _how_far() -> str:
    for task in _asked:
        with contextlib.suppress(Exception):  # how far it came is worth less than to end
            made, planned = task.cells_made()
            return f"{made} of {planned} cells are made; "
    return ""
