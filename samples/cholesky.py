import numpy as np


def cholesky(A):
    """Cholesky factor of a symmetric positive definite matrix, in place.

    The lower triangle of A is overwritten with L such that L L^T = A, column
    by column: an entry loses the inner product of the parts of two rows of L
    that are already known, then is divided by the diagonal. The triangle
    above the diagonal is neither read nor written.
    """
    n = A.shape[0]
    for j in range(n):
        A[j, j] = np.sqrt(A[j, j] - np.dot(A[j, :j], A[j, :j]))
        for i in range(j + 1, n):
            A[i, j] = (A[i, j] - np.dot(A[i, :j], A[j, :j])) / A[j, j]
