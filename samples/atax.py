import numpy as np


def atax(A, x):
    """Product of a vector with the normal matrix, y = A^T (A x).

    The intermediate vector A x is formed first, so that the work is that of
    two matrix-vector products and A^T A never exists.
    """
    image = A @ x
    return image @ A
