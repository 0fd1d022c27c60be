import numpy as np


def gesummv(alpha, beta, A, B, x):
    """Sum of two scaled matrix-vector products, alpha A x + beta B x."""
    left = A @ x
    right = B @ x
    return alpha * left + beta * right
