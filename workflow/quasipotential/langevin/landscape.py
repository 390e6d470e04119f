r"""The quasi-potential of one network, for batches of states and in buffers that are used again.

    r = x - J phi(x) - h s,    E = |r|^2/2 + eta |x|^2,    grad E = r - phi'(x) * (J^T r) + 2 eta x,

with a small field h s, which is 0 unless said otherwise.  The columns of x (N, K) share the two
matrix products, which dominate for K >= 16.  All arrays of a batch lie in memory column by column,
and one copy of J serves both products.  Only phi and phi' are made anew at each call, which costs a
few per cent.

A large network is taken in blocks of rows: r of a block and, at once, what it adds to J^T r.  So J
is read from memory once, not twice, and the products are so small that BLAS computes them without
copies of J in an order of its own, which for few columns cost more than the product.

Everything is dimensionless.

References
----------
J. Qiu and H. Huang, arXiv:2401.10009, section II; docs/theory.md, section 1.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dgemm

from .. import potential
from ..transfer import TransferFunction

Array = np.ndarray

#: Blocks of rows, as measured (benchmarks/sampling.py): so many entries of J as stay in a core's
#: cache, and fewer multiplications in a product than the million that OpenBLAS does without copies.
#: With more columns the undivided product is as fast.
ENTRIES = 100_000
MULTIPLICATIONS = 960_000
COLUMNS = 24
FEWEST_ROWS = 16


@dataclass(frozen=True)
class Landscape:
    """The quasi-potential of one network: couplings J (N, N), transfer function and eta."""

    J: Array
    transfer: TransferFunction
    eta: float = 0.0

    def energy(self, x: Array) -> Array:
        """Energies E of the columns of x (N, K) without a field, shape (K,)."""
        return potential.energy(x, self.J, self.transfer, self.eta)


def row_blocks(size: int, columns: int) -> list[slice]:
    """Blocks of rows of J (N, N), as equal as can be, for the gradient of K columns."""
    number = 1
    if columns <= COLUMNS:
        rows = min(ENTRIES, MULTIPLICATIONS // columns) // size
        number = -(-size // max(rows, FEWEST_ROWS))
    ends = [size * i // number for i in range(number + 1)]
    return [slice(start, stop) for start, stop in itertools.pairwise(ends)]


class State:
    """States x (N, K) of a batch with their energies (K,) and gradients (N, K).

    Kernels change ``x`` in place and call :meth:`update`.

    Parameters
    ----------
    landscape : Landscape
    x : ndarray, shape (N, K)
        Copied.
    field : ndarray, shape (N, K), optional
        The field h s, column by column.
    """

    def __init__(self, landscape: Landscape, x: Array, field: Array | None = None) -> None:
        self.landscape = landscape
        self.x = np.array(x, dtype=float, order="F")
        self.field = field
        self.energy = np.empty(self.x.shape[1])
        self.gradient = np.empty_like(self.x)
        self._residual = np.empty_like(self.x)
        self._products = np.empty_like(self.x)
        self._blocks = row_blocks(*self.x.shape)
        self.update()

    def update(self) -> None:
        """Energies and gradients at x."""
        J, transfer, eta = self.landscape.J, self.landscape.transfer, self.landscape.eta
        r, buffer = self._residual, self._products
        phi = transfer.phi(self.x)
        buffer[...] = 0.0
        for rows in self._blocks:
            np.matmul(J[rows], phi, out=r[rows])
            np.subtract(self.x[rows], r[rows], out=r[rows])
            if self.field is not None:
                r[rows] -= self.field[rows]
            buffer = dgemm(1.0, J[rows].T, r[rows], beta=1.0, c=buffer, overwrite_c=True)
        np.einsum("nk,nk->k", r, r, out=self.energy)
        self.energy *= 0.5
        buffer *= transfer.derivative(self.x)
        np.subtract(r, buffer, out=self.gradient)
        if eta:
            np.multiply(self.x, 2.0 * eta, out=buffer)
            self.gradient += buffer
            self.energy += 0.5 * np.einsum("nk,nk->k", self.x, buffer)

    def adopt(self, other: State, accepted: Array) -> None:
        """Take over the columns of another state where ``accepted`` (K,) is true."""
        np.copyto(self.x, other.x, where=accepted)
        np.copyto(self.energy, other.energy, where=accepted)
        np.copyto(self.gradient, other.gradient, where=accepted)

    def columns(self, chosen: Array) -> State:
        """A new state from the chosen columns, which may repeat."""
        field = None if self.field is None else self.field[:, chosen]
        return State(self.landscape, self.x[:, chosen], field)
