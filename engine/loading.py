"""Loading the kernels without an index: a process that forks others does it before, so that they share them.

Opening an index, or calling what reads records, would start threads, and no thread lives on in a process that
is forked off. So one process does that and tells how it called the kernels; another one loads them by that.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernels import (
    answer,
    apportion,
    check_pairs,
    expand,
    fill_block,
    find_degrees,
    measure_pairs,
    pair_scores,
)
from engine.nearest_kernel import nearest
from engine.signature import mark, refuse

__all__ = ["Signatures", "load_kernels", "loaded_kernels"]

_KERNELS: Final[tuple[Any, ...]] = (
    answer,
    apportion,
    check_pairs,
    expand,
    fill_block,
    find_degrees,
    mark,
    measure_pairs,
    nearest,
    pair_scores,
    refuse,
)
"""Those that answer questions."""

Signatures = list[list[Any]]
"""For each of them the types of the arguments with which it is called, of Numba; they can be pickled."""


def loaded_kernels() -> Signatures:
    """Tell with what arguments the kernels have been called in this process."""
    return [[signature.args for signature in kernel.nopython_signatures] for kernel in _KERNELS]


def load_kernels(signatures: Signatures) -> None:
    """Load the kernels that another process has compiled and kept on the disk, or compile them."""
    for kernel, called in zip(_KERNELS, signatures, strict=True):
        for arguments in called:
            kernel.compile(arguments)
