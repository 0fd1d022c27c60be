import numpy as np


def _half_step(old, new, along, across, diagonal):
    """One half of a time step: implicit along the first axis, explicit across it.

    Each column of new is the solution of a tridiagonal system with the
    constant entries along, diagonal, along; its first and last values are 1.
    The forward sweep writes a value as ratio times the next one plus rest,
    the backward sweep puts the values in.
    """
    n = old.shape[0]
    ratio = np.zeros_like(old)
    rest = np.zeros_like(old)
    rest[0, 1:-1] = 1.0
    for j in range(1, n - 1):
        known = (1.0 + 2.0 * across) * old[j, 1:-1] - across * (old[j, :-2] + old[j, 2:])
        pivot = along * ratio[j - 1, 1:-1] + diagonal
        ratio[j, 1:-1] = -along / pivot
        rest[j, 1:-1] = (known - along * rest[j - 1, 1:-1]) / pivot

    new[0, 1:-1] = 1.0
    new[n - 1, 1:-1] = 1.0
    for j in range(n - 2, 0, -1):
        new[j, 1:-1] = ratio[j, 1:-1] * new[j + 1, 1:-1] + rest[j, 1:-1]


def adi(TSTEPS, N, u):
    """Heat flow in the unit square by alternating directions.

    A time step of 1 / TSTEPS is split in two: the first half is implicit
    along columns and explicit along rows, the second the other way around,
    which is the same step on the transposed grids.
    """
    strong = 2.0 * N * N / TSTEPS
    weak = 1.0 * N * N / TSTEPS
    v = np.zeros_like(u)
    for t in range(TSTEPS):
        _half_step(u, v, -0.5 * strong, -0.5 * weak, 1.0 + weak)
        _half_step(v.T, u.T, -0.5 * weak, -0.5 * strong, 1.0 + weak)
    return u
