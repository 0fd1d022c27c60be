"""Views, copies and overlaps that random programs have found."""

import numpy as np

RANDOM = np.random.default_rng(5)
ARGUMENTS = {"x": RANDOM.random(7), "z": RANDOM.random(5) + 2j, "A": RANDOM.random((4, 5)), "i": np.array([2, 0, 3]),
             "E": np.zeros((3, 0)), "e": np.zeros(0)}


def ravel_of_what_has_gaps(x):
    v = x[::2]
    r = v.ravel()
    v[0] = 9
    return r


def ravel_of_a_row(A):
    r = A[1].ravel()
    r[0] = 9
    return A


def ravel_of_a_column(A):
    v = A[:, 1]
    r = np.ravel(v)
    v[0] = 9
    return r


def ravel_of_real_parts(z):
    v = (z * z).real
    r = v.ravel()
    v[0] = 9
    return r


def at_with_parts_of_itself(x, i):
    np.subtract.at(x, i, x[:3])
    return x


def at_with_its_own_indices(i):
    np.add.at(i, i[:2] % 3, 1)
    return i


def reshape_of_nothing(e):
    return np.column_stack((e, e)).reshape(0, 3), np.stack([e, e], axis=1).reshape(5, 0, order="F")


def a_loop_over_rows_without_columns(E):
    most = E[0].copy()
    for k in range(1, E.shape[0]):
        most[:] = np.where(most > E[k], most, E[k] - most)
    return np.zeros((2, 0)) + most
