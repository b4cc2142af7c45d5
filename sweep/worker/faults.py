"""Turn an error of a worker into what the driver is told of it."""

import socket
import traceback

import torch

from ganlib.errors import RequestError, WorkError
from sweep.storage.folder import StorageError, UnreachableError
from sweep.worker.messages import Fault, FaultKind, LostGpuError


class PreemptedError(WorkError):
    """The machine is taken away: the trial has left a checkpoint, and is to go on elsewhere."""


def check_gpu(error: BaseException) -> None:
    """Check whether an error is one after which CUDA refuses a process everything, and its trials can only fail.

    Raises:
        LostGpuError: It is; `error` is its cause.
    """
    if not torch.cuda.is_initialized():
        return
    try:
        torch.cuda.synchronize()
    except RuntimeError:
        reason = str(error).strip().partition("\n")[0]
        raise LostGpuError(
            f"its process can use the GPU no more after {type(error).__name__}: {reason}"
        ) from error


NO_KERNELS = "no kernel image is available"
"""What CUDA says of a GPU that the installed PyTorch has nothing for."""
OUT_OF_MEMORY = (
    *("can't allocate memory", "Cannot allocate memory", "out of memory"),
    # Of cuBLAS, cuDNN and cuSOLVER, which say that they could not begin where a GPU is full.
    *("_ALLOC_FAILED", "ALLOCATION_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED", "CUDNN_STATUS_NOT_INITIALIZED"),
    "CUSOLVER_STATUS_NOT_INITIALIZED",
)
"""What allocators and libraries say where memory is short, the machine's or the GPU's."""
MOST_TRACEBACK = 8000
"""Characters of a traceback that are kept: the last ones, which tell where it was raised."""


def fault_of(error: BaseException, kind: FaultKind | None = None) -> Fault:
    """Make a fault of an error, with the traceback; its kind is found out where it is not given."""
    told = "".join(traceback.format_exception(error))
    reason = f"{type(error).__name__}: {error}"
    if isinstance(error, UnreachableError):
        reason = f"its machine {socket.gethostname()} does not reach the storage: {error}"
    return Fault(kind or kind_of(error), reason, told[-MOST_TRACEBACK:])


def kind_of(error: BaseException) -> FaultKind:
    """Say which kind of `Fault` an error is."""
    # Where the driver does not reach the storage either, it finds out as it writes down that the trial moves.
    if isinstance(error, (PreemptedError, UnreachableError)):
        return "preempted"
    if isinstance(error, StorageError):
        return "storage"
    if isinstance(error, RequestError):
        return "request"
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError))
    if out_of_memory or (
        isinstance(error, (RuntimeError, OSError)) and any(w in str(error) for w in OUT_OF_MEMORY)
    ):
        return "memory"
    return "error"
