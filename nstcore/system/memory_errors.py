"""Which errors say that memory has run out: Python's own, and those of the frameworks, none of which is imported."""

from __future__ import annotations

# By the names of the classes: TensorFlow's and Keras', torch's, JAX's (of two ages).
_CLASSES = {"ResourceExhaustedError", "OutOfMemoryError"}
_MAY_BE = {"XlaRuntimeError", "JaxRuntimeError", "RuntimeError", "InternalError", "UnknownError"}
#: What their messages say then: XLA, TensorFlow's allocator, torch on GPUs, torch on processors, CUDA's libraries.
_WORDS = (
    "RESOURCE_EXHAUSTED",
    "OOM when allocating",
    "out of memory",
    "Out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says so, in whatever words."""
    if isinstance(error, MemoryError):
        return True
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & _CLASSES) or (bool(names & _MAY_BE) and any(word in str(error) for word in _WORDS))
