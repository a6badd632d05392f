"""Functions of torch on a GPU as one CUDA graph: what Keras and autograd do around each operation is done once."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import keras
import torch
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg

logger = logging.getLogger(__name__)

_Leaves = Sequence[torch.Tensor]

# To trace takes two to six seconds, as long as some 70 evaluations one by one.
_TRACED_FROM = 8
# Of one function, for arguments of so many kinds. What makes place is traced again when it is called.
_MOST_KEPT = 4
# Numbers of a constant that is computed once and kept. Larger ones, as kernels, would take their memory twice.
_LARGEST_KEPT = 2**16
# Every CUDA graph of this process that is alive.
_graphs: WeakSet[torch.cuda.CUDAGraph] = WeakSet()


class CaptureError(RuntimeError):
    """Operations that were traced did not become a CUDA graph."""


class Traced:
    """A function of nests of tensors of a GPU, which becomes one CUDA graph once it has been called often.

    A GPU computes an operation of a small picture faster than Python, with all that Keras and autograd do around it,
    asks for the next. Here it is given the operations all at once. They are those of the function, in its order, so
    that it gives the same, to the last bit where they do. A function whose operations depend on values is always
    computed as it is; so is every function on a processor, where operations take longer and tracing is not made up for.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        """Take a function that changes nothing, and that depends on nothing but its arguments and weights."""
        self._function = function
        self._calls: dict[str, int] = {}
        self._programs: OrderedDict[str, Program | None] = OrderedDict()

    def __call__(self, *arguments: Any) -> Any:
        leaves = keras.tree.flatten(arguments)
        if not all(leaf.is_cuda for leaf in leaves):
            return self._function(*arguments)
        kind = repr(keras.tree.map_structure(_kind, arguments))
        if kind not in self._programs:
            self._calls[kind] = self._calls.get(kind, 0) + 1
            if self._calls[kind] < _TRACED_FROM:
                return self._function(*arguments)
            self._keep(kind, arguments)
        program = self._programs[kind]
        return self._function(*arguments) if program is None else program(leaves)

    def _keep(self, kind: str, arguments: Any) -> None:
        del self._calls[kind]
        if len(self._programs) >= _MOST_KEPT:
            self._programs.popitem(last=False)
        try:
            self._programs[kind] = program(self._function, arguments, captured)
            return
        except CaptureError as error:  # told as text: a record that is kept would keep the tensors of its traceback
            logger.warning("computed operation by operation, which takes several times as long: %s", str(error))
        except RuntimeError as error:  # torch's, where an operation depends on a value
            logger.debug("computed operation by operation: %s", error)
        self._programs[kind] = None


def _kind(leaf: torch.Tensor) -> str:
    return f"{leaf.dtype} {tuple(leaf.shape)} {leaf.stride()}"


@dataclass(frozen=True)
class Program:
    """A function's operations, for the leaves of arguments of one kind."""

    run: Callable[..., Sequence[torch.Tensor]]
    #: Its own constants, as statistics of layers, are read by `run` where they lie, and so must not be given back.
    module: GraphModule
    structure: Any

    def __call__(self, leaves: _Leaves) -> Any:
        return keras.tree.pack_sequence_as(self.structure, list(self.run(*leaves)))


def program(function: Callable[..., Any], arguments: Any, prepared: Callable[..., Any]) -> Program:
    """The function, for the leaves of arguments that are like these.

    Args:
        prepared: (module, leaves) -> what is called with leaves instead of the module.
    """
    structure: Any = None

    def flat(*leaves: torch.Tensor) -> list[torch.Tensor]:
        nonlocal structure
        structure = function(*keras.tree.pack_sequence_as(arguments, list(leaves)))
        found: list[torch.Tensor] = keras.tree.flatten(structure)
        return found

    leaves = keras.tree.flatten(arguments)
    # The second time without operations that change a tensor in its place, so that each result depends on what it is
    # made of alone. (Gradients cannot be traced that way.)
    module = make_fx(torch.func.functionalize(make_fx(flat)(*leaves), remove="mutations"))(*leaves)
    structure = keras.tree.map_structure(lambda _: 0, structure)
    _fold(module)
    return Program(prepared(module, leaves), module, structure)


def _fold(module: GraphModule) -> None:
    """Compute what depends on no argument once: statistics of layers, indices, numbers brought to the GPU."""
    graph = module.graph
    known: dict[Node, Any] = {}
    for node in graph.nodes:
        if node.op == "get_attr":
            known[node] = getattr(module, node.target)
        elif node.op == "call_function" and all(one in known for one in node.all_input_nodes):
            args, kwargs = map_arg((node.args, node.kwargs), known.__getitem__)
            value = node.target(*args, **kwargs)
            if not isinstance(value, torch.Tensor) or value.numel() <= _LARGEST_KEPT:
                known[node] = value
    for number, (node, value) in enumerate(known.items()):
        if node.op == "get_attr" or not isinstance(value, torch.Tensor) or known.keys() >= node.users.keys():
            continue
        module.register_buffer(f"folded_{number}", value, persistent=False)
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.get_attr(f"folded_{number}"), lambda user: user not in known)
    graph.eliminate_dead_code()
    module.recompile()


def captured(module: Callable[..., Sequence[torch.Tensor]], leaves: _Leaves) -> Callable[..., list[torch.Tensor]]:
    """A module of a GPU's operations as a CUDA graph, for leaves like these; of use as long as the module is there.

    Raises:
        CaptureError: if it cannot become one, as where memory is short.
    """
    inputs = [leaf.clone() for leaf in leaves]
    try:
        graph, outputs = _capture(module, inputs)
    except RuntimeError as error:
        first = error.__context__ or error  # the second would be that there is nothing to end
        raise CaptureError(str(first).partition("\n")[0]) from error  # places in torch follow

    def replay(*leaves: torch.Tensor) -> list[torch.Tensor]:
        torch._foreach_copy_(inputs, list(leaves))
        graph.replay()
        return [output.clone() for output in outputs]

    return replay


def _capture(
    module: Callable[..., Sequence[torch.Tensor]], inputs: _Leaves
) -> tuple[torch.cuda.CUDAGraph, Sequence[torch.Tensor]]:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # what libraries prepare at a first call cannot be captured
        for _ in range(2):
            module(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.empty_cache()  # of what computing one by one has left; a graph has memory of its own
    graph = torch.cuda.CUDAGraph()
    # All graphs of the GPU share their memory: none is replayed while another is, and what one gives is copied at once.
    # Once the last of them has gone torch captures nothing into it any more: `other` keeps it meanwhile, and where
    # there is none new memory is taken. The outer stream is come back to, from a capture that failed too.
    other = next(iter(_graphs), None)
    with (
        torch.cuda.stream(torch.cuda.current_stream()),
        torch.cuda.graph(graph, pool=None if other is None else other.pool(), capture_error_mode="thread_local"),
    ):
        outputs = module(*inputs)
    _graphs.add(graph)
    return graph, outputs
