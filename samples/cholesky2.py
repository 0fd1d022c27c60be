import numpy as np


def cholesky2(A):
    """Cholesky factor of a symmetric positive definite matrix, in place.

    The lower triangle of A is overwritten with L such that L L^T = A; what
    stands above the diagonal is kept.
    """
    above = np.triu(A, 1)
    A[:] = above + np.linalg.cholesky(A)
