"""Lets torchvision be imported beside a torch that its compiled operators do not fit.

torchvision's Python code registers a fake kernel for its operator ``nms`` on
import, which fails if the compiled library that declares the operator could not
be loaded. LeRobot uses none of the operators, so declaring that one is enough.
Import this before torchvision or lerobot, in subprocesses too.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

_NMS = 'nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor'
_declared: list[torch.library.Library] = []  # an operator lives as long as its library


def declare_operators() -> None:
    """Declare the operator unless torchvision's own library declares it."""
    if _declared or _library_fits():
        return
    library = torch.library.Library('torchvision', 'DEF')
    library.define(_NMS)
    _declared.append(library)


def _library_fits() -> bool:
    spec = find_spec('torchvision')
    if spec is None or spec.origin is None:
        return False
    for path in Path(spec.origin).parent.glob('_C*.so'):
        try:
            torch.ops.load_library(str(path))
        except OSError:
            continue
        return True
    return False


declare_operators()
