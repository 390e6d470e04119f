r"""Transfer functions phi: rate of a unit as a function of its activity x.

Four have names: ``tanh`` is the paper's; ``erf`` is erf(sqrt(pi) x / 2), so that phi'(0) = 1 as for
tanh; ``linear`` has closed results; ``relu`` is max(x, 0).

Any other is named by where it stands, ``my_transfer.py:phi`` for a file, from the folder of the
run, or ``my.module:phi`` for a module that Python can import.  The derivative is to stand beside it
as ``phi_prime``.  Naming such a place runs that file, if it defines both; nothing else in a config
is ever run.  A digest of the source joins the name, ``my_transfer.py:phi@0b6d3b1c9e2f``, and so the
key of every result: edit the function and the results are computed anew.  What the source itself
imports does not count.

Solvers ask for one of two properties, which are measured:

- *odd*, phi(-x) = -phi(x);
- *sigmoidal*: odd, phi'(0) = 1, phi' >= 0 falling with |x|, and |phi| <= 1.

A function of slope s at the origin and bound b has the second in other units.  With x = b y/s and
psi(y) = phi(b y/s)/b,

.. math::

    \dot x = -x + J \phi(x) \quad \text{is} \quad \dot y = -y + s J \psi(y):

the gain is s g, the temperature (s/b)^2 T, and psi is sigmoidal if phi has its shape.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType

import numpy as np

Array = np.ndarray

#: Where functions are looked at: irregular, so that kinks at round numbers lie between.
POINTS = np.geomspace(1.234e-3, 31.07, 90)
FAR = np.array([56.7, 123.4])
SLOPE_TOLERANCE = 1e-6  # of phi' against differences of phi; theirs are exact to 1e-8
ROUNDING = 1e-12
DIGITS = 12  # of the digest in a name
FORM = "tanh, erf, linear, relu, my_file.py:phi or my.module:phi"


@dataclass(frozen=True)
class TransferFunction:
    """phi and its first derivative, both elementwise on arrays of any shape.

    ``cubic`` is kappa in phi = x - kappa x^3/3 + ..., NaN if phi is not of this form.
    """

    name: str
    phi: Callable[[Array], Array]
    derivative: Callable[[Array], Array]
    cubic: float

    @functools.cached_property
    def is_odd(self) -> bool:
        """Whether phi(-x) = -phi(x), up to rounding."""
        phi, mirrored = self.phi(POINTS), self.phi(-POINTS)
        return bool(np.all(np.abs(phi + mirrored) <= ROUNDING * np.maximum(1.0, np.abs(phi))))

    @functools.cached_property
    def is_sigmoidal(self) -> bool:
        """Whether phi is odd, phi' falls from 1 at the origin and is >= 0, and |phi| <= 1."""
        slopes = np.array([1.0, *self.derivative(POINTS)])
        return bool(
            self.is_odd
            and np.abs(self.derivative(np.zeros(1)) - 1.0) <= ROUNDING
            and np.all(np.diff(slopes) <= ROUNDING)
            and slopes[-1] >= 0.0
            and np.all(np.abs(self.phi(np.append(POINTS, FAR))) <= 1.0 + ROUNDING)
        )


def _sech2(x: Array) -> Array:
    # 1/cosh^2 keeps its digits where 1 - tanh^2 cancels; beyond |x| = 350 it is 0 in float64.
    return 1.0 / np.cosh(np.minimum(np.abs(x), 350.0)) ** 2


def _erf(x: Array) -> Array:
    from scipy import special  # it takes a quarter of a second, which the jobs of tanh save

    return special.erf(0.5 * np.sqrt(np.pi) * x)


TRANSFER_FUNCTIONS = {
    function.name: function
    for function in (
        TransferFunction("tanh", np.tanh, _sech2, 1.0),
        TransferFunction(
            "erf",
            _erf,
            lambda x: np.exp(-0.25 * np.pi * np.square(x)),
            0.25 * np.pi,
        ),
        TransferFunction("linear", lambda x: 1.0 * x, np.ones_like, 0.0),
        TransferFunction(
            "relu",
            lambda x: np.maximum(x, 0.0),
            lambda x: np.heaviside(x, 0.0),
            np.nan,
        ),
    )
}


def transfer_function(name: str) -> TransferFunction:
    """Transfer function of that name, or from the place that it names.

    Raises
    ------
    ValueError
        If the name is unknown, the place has no such function, phi and phi' do not fit together, or
        the source is not the one whose digest the name holds.
    """
    if name in TRANSFER_FUNCTIONS:
        return TRANSFER_FUNCTIONS[name]
    return _by_digest(name) if "@" in name else _from_place(name)


def _from_place(name: str) -> TransferFunction:
    place = re.fullmatch(r"([^@]+):([A-Za-z_]\w*)(?:@([0-9a-f]+))?", name)
    if place is None:
        raise ValueError(f"unknown transfer function {name!r}; allowed: {FORM}")
    source, attribute, expected = place.groups()
    path, content = _source(source)
    digest = hashlib.sha256(content).hexdigest()[:DIGITS]
    if expected not in (None, digest):
        raise ValueError(
            f"{source} has changed: its digest is {digest}, asked for is {expected}; "
            "start the run again, or bring the file back"
        )
    wanted = [attribute, f"{attribute}_prime"]
    try:
        missing = [name for name in wanted if name not in _defined(ast.parse(content))]
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{source} is not Python: {error}") from None
    if missing:
        raise ValueError(
            f"{source} defines no {' and no '.join(missing)}; a transfer function {attribute} "
            f"needs its derivative beside it, as {attribute}_prime"
        )
    name = f"transfer_{digest}" if source.endswith(".py") else source
    module = _run(name, path, content)
    phi, derivative = (getattr(module, name) for name in wanted)
    function = TransferFunction(f"{source}:{attribute}@{digest}", phi, derivative, np.nan)
    check(function)
    return replace(function, cubic=_cubic(function))


def _cubic(function: TransferFunction) -> float:
    """Kappa from (1 - phi'(x))/x^2 near the origin; NaN if that has no limit."""
    x = 1e-3 * np.array([1.0, 2.0, 4.0])
    estimates = (1.0 - function.derivative(x)) / x**2
    fine, coarse = (4.0 * estimates[:2] - estimates[1:]) / 3.0
    exists = function.is_odd and abs(fine - coarse) <= SLOPE_TOLERANCE * (1.0 + abs(fine))
    return float(fine) if exists else np.nan


_by_digest = functools.cache(_from_place)


def check(function: TransferFunction) -> None:
    """Check that phi acts elementwise on arrays of float64, and that phi' is its derivative.

    Differences of fourth order are taken at |x| from 1e-3 to 31 on both sides.

    Raises
    ------
    ValueError
        It names the function, the point and both values.
    """
    x = np.concatenate([-POINTS[::-1], POINTS])
    with np.errstate(all="ignore"):
        for what, compute in (("phi", function.phi), ("phi'", function.derivative)):
            _check_elementwise(f"{what} of {function.name}", compute, x)
        step = 1e-4 * np.minimum(1.0, np.abs(x))
        near, far = (function.phi(x + k * step) - function.phi(x - k * step) for k in (1, 2))
        expected = (8.0 * near - far) / (12.0 * step)
        slope = function.derivative(x)
    error = np.abs(slope - expected) / (1.0 + np.abs(expected))
    worst = int(np.argmax(error))
    if error[worst] > SLOPE_TOLERANCE:
        raise ValueError(
            f"phi' of {function.name} is not the derivative of phi: at x = {x[worst]:.6g} it is "
            f"{slope[worst]:.8g}, differences of phi give {expected[worst]:.8g}"
        )


def _check_elementwise(what: str, compute: Callable[[Array], Array], x: Array) -> None:
    """Check shape, type and finiteness, and that a value depends on its own x only."""
    given = x.copy()
    try:
        values = compute(given)
        table, single = compute(x.reshape(2, -1).copy()), float(compute(x[7]))
    except Exception as error:
        raise ValueError(f"{what} fails for an array of numbers: {error!r}") from error
    if np.any(given != x):
        raise ValueError(f"{what} changes the array that it is given; it must return a new one")
    for result, shape in ((values, x.shape), (table, (2, x.size // 2))):
        if not isinstance(result, np.ndarray) or (result.shape, result.dtype) != (shape, x.dtype):
            raise ValueError(f"{what} must return an array of float64, of the shape of x")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{what} is not finite at x = {x[~np.isfinite(values)][0]:.6g}")
    if not (np.allclose(table.ravel(), values, 1e-14, 0) and np.isclose(single, values[7], 1e-14)):
        raise ValueError(f"{what} must be elementwise: its value at x changes with the other x")


class _FromBytes(SourceLoader):
    """Loads a file whose bytes were read already, so that what is digested is what runs."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path, self.content = path, content

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str) -> bytes:
        return self.content


def _source(source: str) -> tuple[Path, bytes]:
    """Path and content of the source of a file or of a module by its dotted name."""
    path = Path(source)
    try:
        if not source.endswith(".py"):
            found = importlib.util.find_spec(source)
            if found is None or not str(found.origin).endswith(".py"):
                raise ValueError("it has no source")
            path = Path(found.origin)
        return path, path.read_bytes()
    except OSError as error:
        place = f"{source}, looked for in {Path.cwd()}"
        raise ValueError(f"cannot read {place}: {error.strerror}") from error
    except Exception as error:  # also of the packages that the module is in
        hint = "put its folder into PYTHONPATH, or name the file, my_file.py:phi"
        raise ValueError(f"no module {source} can be found ({error}): {hint}") from error


def _defined(tree: ast.Module) -> set[str]:
    """Names that a module defines or imports at its top level."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if hasattr(n, "id")}
    return names


def _run(name: str, path: Path, content: bytes) -> ModuleType:
    """Module from its source, apart from those that Python has imported."""
    spec = importlib.util.spec_from_loader(name, _FromBytes(path, content))
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} fails when it is run: {error!r}") from error
    return module
