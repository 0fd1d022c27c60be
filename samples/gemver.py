import numpy as np


def gemver(alpha, beta, A, u1, v1, u2, v2, w, x, y, z):
    """Vector products with a matrix after an update of rank two.

    A := A + u1 v1^T + u2 v2^T, x := x + beta A^T y + z, w := w + alpha A x.
    """
    A += u1[:, np.newaxis] * v1 + u2[:, np.newaxis] * v2
    x += beta * (A.T @ y) + z
    w += alpha * (A @ x)
