"""Transfer functions phi: rate of a unit as a function of its activity x.

All are odd.  ``tanh`` is the paper's; ``erf`` is erf(sqrt(pi) x / 2), so that phi'(0) = 1 for each;
``linear`` has closed results and serves the tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

Array = np.ndarray


@dataclass(frozen=True)
class TransferFunction:
    """phi and its first derivative, both elementwise on arrays of any shape."""

    name: str
    phi: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


def _sech2(x: Array) -> Array:
    # 1/cosh^2 keeps its digits where 1 - tanh^2 cancels; beyond |x| = 350 it is 0 in float64.
    return 1.0 / np.cosh(np.clip(x, -350.0, 350.0)) ** 2


TRANSFER_FUNCTIONS = {
    function.name: function
    for function in (
        TransferFunction("tanh", np.tanh, _sech2),
        TransferFunction(
            "erf",
            lambda x: special.erf(0.5 * np.sqrt(np.pi) * x),
            lambda x: np.exp(-0.25 * np.pi * np.square(x)),
        ),
        TransferFunction("linear", lambda x: 1.0 * x, np.ones_like),
    )
}


def transfer_function(name: str) -> TransferFunction:
    """Transfer function of that name.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    try:
        return TRANSFER_FUNCTIONS[name]
    except KeyError:
        allowed = ", ".join(sorted(TRANSFER_FUNCTIONS))
        raise ValueError(f"unknown transfer function {name!r}; known: {allowed}") from None
