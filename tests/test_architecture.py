"""Who may import whom: tasks -> pipeline -> nstcore, no cycles, and heavy packages only where they belong."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import nstcore

ROOT = Path(__file__).parents[1]
PACKAGES = ("nstcore", "pipeline", "tasks")
BACKENDS = {"tensorflow", "jax", "torch"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def import_nodes(tree: ast.AST, *, only_at_import: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        if only_at_import:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if is_type_checking(node):
                for other in node.orelse:
                    yield from import_nodes(ast.Module([other], []), only_at_import=True)
                continue
        yield from import_nodes(node, only_at_import=only_at_import)


def imports(source: str, module: str, *, is_package: bool = False, only_at_import: bool = False) -> set[str]:
    """Full names that a module imports; `from a import b` gives a.b, whether b is a module or a name in a.

    Args:
        only_at_import: leave out what functions import when called, and what only type checkers see.
    """
    names = set()
    for node in import_nodes(ast.parse(source), only_at_import=only_at_import):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
            continue
        base = node.module or ""
        if node.level:
            package = module.split(".") if is_package else module.split(".")[:-1]
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
        names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


@functools.cache
def imports_of(module: str, *, only_at_import: bool = False) -> set[str]:
    path = SOURCES[module]
    source = path.read_text(encoding="utf-8")
    return imports(source, module, is_package=path.name == "__init__.py", only_at_import=only_at_import)


def top(name: str) -> str:
    return name.partition(".")[0]


def importers_of(*packages: str) -> set[str]:
    """Modules of the project that import one of these packages anywhere, functions included."""
    return {module for module in SOURCES if {top(name) for name in imports_of(module)} & set(packages)}


def test_every_form_of_import_is_seen():
    """The tests below prove nothing if this parser overlooks something."""
    source = """
import a.b as c, d
from e import f
from . import g
from .h import i
from ..j import k
if TYPE_CHECKING:
    import l
else:
    import m
try:
    import n
except ImportError:
    pass
class C:
    import o
def function():
    import p
    from q import r
async def coroutine():
    import s
"""
    always = {"a.b", "d", "e.f", "x.y.g", "x.y.h.i", "x.j.k", "m", "n", "o"}
    assert imports(source, "x.y.z", only_at_import=True) == always
    assert imports(source, "x.y.z") == always | {"l", "p", "q.r", "s"}
    assert imports("from . import g", "x.y", is_package=True) == {"x.y.g"}


def test_the_files_looked_at_are_those_of_the_project():
    some = {"nstcore", "nstcore.transfer", "nstcore.backend.torch", "pipeline.outputs.stores", "tasks.transfer"}
    assert some <= set(SOURCES)


@pytest.mark.parametrize("module", SOURCES)
def test_imports_only_go_downward(module):
    allowed = PACKAGES[: PACKAGES.index(top(module)) + 1]
    upward = {name for name in imports_of(module) if top(name) in (*PACKAGES, "tests", "benchmarks")}
    assert {name for name in upward if top(name) not in allowed} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_no_import_cycles(package):
    graph = {}
    for module in SOURCES:
        if top(module) != package:
            continue
        # A name that is no module is taken from the package or module before its last dot.
        names = imports_of(module, only_at_import=True)
        modules = {name if name in SOURCES else name.rpartition(".")[0] for name in names}
        graph[module] = {name for name in modules if name in SOURCES and name != module}
    try:
        order = list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")
    assert set(graph) <= set(order)


def test_the_engine_knows_nothing_of_the_scheduler_or_of_plots():
    engine = {module for module in SOURCES if top(module) == "nstcore"}
    assert importers_of("luigi", "matplotlib") & engine == set()


def test_only_tasks_and_stores_know_luigi():
    others = {module for module in importers_of("luigi") if top(module) != "tasks"}
    stores = {"stores", "cell_store", "network_store"}
    assert others == {f"pipeline.outputs.{name}" for name in stores}


def test_only_adapters_know_a_backend():
    rooms = (*BACKENDS, "torch_tracing")
    assert importers_of(*BACKENDS) == {f"nstcore.backend.{room}" for room in rooms}


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_an_adapter_knows_its_own_backend_alone(backend):
    names = {top(name) for name in imports_of(f"nstcore.backend.{backend}")}
    assert names & BACKENDS == {backend}


ROOMS = ("losses", "backend", "networks", "optimizers")


@pytest.mark.parametrize(
    "module", [module for module in SOURCES if module.split(".")[1:2] and module.split(".")[1] in ROOMS]
)
def test_the_rooms_of_the_engine_know_no_configuration(module):
    """Formulas, networks and optimisers take what they need; what a person chose is resolved above them."""
    above = ("config", "recipe", "presets", "scene", "targets", "problem", "objective", "run", "transfer", "cli")
    assert {
        name for name in imports_of(module) if name.split(".")[:2] in [["nstcore", room] for room in above]
    } == set()
    assert "nstcore.TransferConfig" not in imports_of(module)


@pytest.mark.parametrize("module", [module for module in SOURCES if module.startswith("nstcore.losses")])
def test_losses_stand_on_the_ground_floor(module):
    known = {".".join(name.split(".")[:2]) for name in imports_of(module) if top(name) == "nstcore"}
    assert known <= {"nstcore.losses", "nstcore.checks", "nstcore.errors"}


@pytest.mark.parametrize("module", [module for module in SOURCES if top(module) == "tasks"])
def test_tasks_import_keras_only_when_they_run(module):
    assert {top(name) for name in imports_of(module, only_at_import=True)} & {"keras", *BACKENDS} == set()


@pytest.mark.parametrize(
    "module", ["nstcore", "nstcore.cli", "nstcore.presets", "nstcore.pictures.images", "pipeline.subcommands", "tasks"]
)
def test_importing_a_face_of_the_project_imports_no_keras(module):
    code = f"import sys, {module}\nprint(sorted({{'keras', *{sorted(BACKENDS)}}} & set(sys.modules)))\n"
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_the_names_of_the_contract_are_there_without_keras_until_they_are_used():
    code = """
import sys
class KerasAskedFor(BaseException):
    pass
class Finder:
    def find_spec(self, name, *_):
        if name == "keras":
            raise KerasAskedFor
sys.meta_path.insert(0, Finder())
import nstcore
from nstcore import TransferConfig, TransferResult, Trace, presets
for name in ("build_objective", "style_transfer", "Objective"):
    try:
        getattr(nstcore, name)
    except KerasAskedFor:
        print(name)
"""
    finished = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.split() == ["build_objective", "style_transfer", "Objective"]
    assert all(hasattr(nstcore, name) for name in nstcore.__all__)
