import numpy as np


def mvt(x1, x2, y_1, y_2, A):
    """A matrix and its transpose applied to two vectors.

    x1 := x1 + A y_1 and x2 := x2 + A^T y_2; the two updates share A and
    nothing else.
    """
    x1[:] = x1 + A @ y_1
    x2[:] = x2 + y_2 @ A
