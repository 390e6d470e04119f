r"""Expansions of the stationary DMFT just above the onset of chaos, in s = g - 1, without noise.

The notation is that of module `stationary`.  With d_n = phi^(n)(0) and Delta = C_0

.. math::

    w_n = g^2 v_n, \qquad v_n = \frac{2 \Delta^{n-1} m_n^2}{(n+1)\, n!}, \qquad
    m_n = E\,\phi^{(n)} = \sum_k \frac{d_{n+2k}}{2^k k!} \Delta^k,

so that the condition sum w_n = 1 gives g as a power series in Delta, 1 + s = (sum v_n)^{-1/2},
which is reverted.  E/N = (Delta/4) sum (n-1) w_n follows.  The mode of lambda_1 is
r^2 to lowest order: -d^2/dtau^2 + W takes it to

.. math::

    \left[-3 (w_3 + w_5) - 7 w_5 r^4\right] r^2 + O(w_7),

which is an eigenfunction up to the small term with w_5.  That term enters with its mean,
24/35 from sech^8 and sech^4:

.. math::

    E_0 = -3 w_3 - \frac{39}{5} w_5 + O(s^6), \qquad \lambda_1 = \sqrt{1 - E_0} - 1.

For tanh

.. math::

    C_0 &= s + \tfrac76 s^2 - \tfrac79 s^3 + \tfrac{338}{135} s^4 + O(s^5), \\
    E/N &= \tfrac16 s^3 - \tfrac5{12} s^4 + \tfrac{641}{360} s^5 - \tfrac{66133}{6480} s^6
           + O(s^7), \\
    \lambda_1 &= \tfrac12 s^2 - \tfrac{11}6 s^3 + \tfrac{3773}{450} s^4 - \tfrac{65033}{1350} s^5
           + O(s^6).

The coefficients grow: like the Hermite series of tanh these series are asymptotic.

>>> from fractions import Fraction
>>> from quasipotential.dmft import onset
>>> series = onset.expand("tanh")
>>> [str(Fraction(c).limit_denominator(10000)) for c in series.lambda_1[:6]]
['0', '0', '1/2', '-11/6', '3773/450', '-65033/1350']

References
----------
Section 9 of docs/theory.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import factorial, nan, pi

Series = list  # coefficients of powers 0, 1, ...: Fractions, or floats where they are irrational

#: phi^(n)(0) for n = 1, 3, 5, 7, 9.
DERIVATIVES: dict[str, tuple] = {
    "tanh": (1, -2, 16, -272, 7936),
    "erf": tuple((-pi / 4) ** k * factorial(2 * k) / factorial(k) for k in range(5)),
}
_LENGTH = 7  # powers 0 to 6


@dataclass(frozen=True)
class OnsetExpansion:
    """Coefficients of 1, s, s^2, ..., s^6; NaN from where on they are not known.

    Attributes
    ----------
    C0, energy_per_neuron, lambda_1 : tuple of float
        As in `stationary.StationarySolution`.
    """

    C0: tuple[float, ...]
    energy_per_neuron: tuple[float, ...]
    lambda_1: tuple[float, ...]


def expand(transfer: str) -> OnsetExpansion:
    """Expansions for a transfer function.

    Parameters
    ----------
    transfer : {"tanh", "erf"}

    Raises
    ------
    ValueError
        If there is no such state (``linear``).

    References
    ----------
    Section 9 of docs/theory.md.
    """
    if transfer not in DERIVATIVES:
        raise ValueError(f"no state beyond the onset for {transfer!r}")
    v = {n: _weight(n, DERIVATIVES[transfer]) for n in (1, 3, 5, 7, 9)}
    total = [sum(column) for column in zip(*v.values(), strict=True)]
    g2 = _power(total, -1)
    distance = _power(total, Fraction(-1, 2))
    distance[0] -= 1
    Delta = _reverted(distance)
    w = {n: _product(g2, v[n]) for n in v}
    energy = [sum(Fraction(n - 1, 4) * w[n][power] for n in w) for power in range(_LENGTH)]
    ground = [1 + 0 * w[3][0]] + [
        3 * a + Fraction(39, 5) * b for a, b in zip(w[3][1:], w[5][1:], strict=True)
    ]  # 1 - E_0
    exponent = _power(ground, Fraction(1, 2))
    exponent[0] -= 1
    # g^2 and s are known up to Delta^4; each leading power that comes before adds one.
    return OnsetExpansion(
        _known(Delta, 5),
        _known(_composed([0, *energy[:-1]], Delta), 7),
        _known(_composed(exponent, Delta), 6),
    )


def _known(series: Series, number: int) -> tuple[float, ...]:
    return tuple(float(c) if power < number else nan for power, c in enumerate(series))


def _weight(n: int, derivatives: tuple) -> Series:
    """v_n as a series in Delta; derivatives beyond the table would enter beyond what is used."""
    of_order = derivatives[n // 2 :]
    mean = [Fraction(1, 2**k * factorial(k)) * d for k, d in enumerate(of_order)]
    square = _product(_padded(mean), _padded(mean))
    factor = Fraction(2, (n + 1) * factorial(n))
    return _padded([0] * (n - 1) + [factor * c for c in square])


def _padded(series: Series) -> Series:
    return (series + [0] * _LENGTH)[:_LENGTH]


def _product(a: Series, b: Series) -> Series:
    return [sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(_LENGTH)]


def _power(series: Series, exponent: Fraction | int) -> Series:
    """Power of a series that begins with 1 (f y' = exponent f' y)."""
    result = [series[0]]
    for k in range(1, _LENGTH):
        terms = ((exponent * i - (k - i)) * series[i] * result[k - i] for i in range(1, k + 1))
        result.append(sum(terms) * Fraction(1, k))
    return result


def _composed(outer: Series, inner: Series) -> Series:
    """outer(inner(s)), by Horner's rule."""
    result = _padded([0])
    for coefficient in reversed(outer):
        result = _product(result, inner)
        result[0] += coefficient
    return result


def _reverted(series: Series) -> Series:
    """Inverse function of a series without constant term: each pass gains one power."""
    higher = [0, 0, *series[2:]]
    inverse = _padded([0])
    for _ in range(_LENGTH):
        curved = _composed(higher, inverse)
        inverse = [(int(k == 1) - c) / series[1] for k, c in enumerate(curved)]
    return inverse
