"""How a solver ended: an enumeration whose members carry a sentence, and the error it raises."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """Outcome of a solver at one point; ``code`` is what a NetCDF file holds."""

    CONVERGED = (0, "converged")
    NOT_CONVERGED = (1, "the residual stayed above the tolerance")
    INACCURATE = (2, "the quadrature error stayed above the tolerance")
    UNPHYSICAL = (3, "converged to an unphysical solution")
    NOT_EQUILIBRATED = (4, "the chains did not agree or drew too few independent samples")
    NO_SOLUTION = (5, "no solution exists: the measure cannot be normalised")
    UNSTABLE = (6, "the solution with Q = 0 is unstable and none with Q > 0 was found")

    def __init__(self, code: int, sentence: str) -> None:
        self.code = code
        self.sentence = sentence


#: Attributes of a ``status`` variable (CF conventions, flags).
STATUS_ATTRIBUTES = {
    "long_name": "outcome of the solver",
    "units": "1",
    "flag_values": [status.code for status in Status],
    "flag_meanings": " ".join(status.name.lower() for status in Status),
}


class SolverError(RuntimeError):
    """A solver could not deliver what was asked.

    Attributes
    ----------
    status : Status
        What went wrong.
    estimate : object
        The best estimate that there is (a record of the solver, or None).
    """

    def __init__(self, status: Status, message: str, estimate: object = None) -> None:
        super().__init__(f"{message} ({status.sentence})")
        self.status = status
        self.estimate = estimate
