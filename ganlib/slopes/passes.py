"""Let a network compute in a form whose slope is cheap to differentiate again."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ganlib.slopes.convolutions import conv2d, conv_transpose2d
from ganlib.slopes.norms import batch_norm, instance_norm

_OURS: Mapping[Callable[..., Any], Callable[..., Tensor]] = {
    torch.conv2d: conv2d,
    torch.conv_transpose2d: conv_transpose2d,
    F.batch_norm: batch_norm,
    F.instance_norm: instance_norm,
}


class Sloped(TorchFunctionMode):
    """A context for a pass forward whose slope is taken afterwards (`ganlib.slopes.taking.slope`), and differentiated.

    Networks compute what they compute without it, up to rounding; under autocast, the same.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Compute a function of torch, or ours in its place."""
        ours = _OURS.get(func)
        if (
            ours is not None
            and torch.is_grad_enabled()
            and not torch.is_autocast_enabled(args[0].device.type)
        ):
            func = ours
        return func(*args, **(kwargs or {}))
