import numpy as np


def lu(A):
    """Factors of a matrix without pivoting, A = L U, in place.

    L has ones on its diagonal, which are not stored. Step k divides a column
    by the pivot and takes an outer product from the rest of the matrix.
    """
    for k in range(A.shape[0]):
        A[k + 1:, k] /= A[k, k]
        A[k + 1:, k + 1:] -= np.outer(A[k + 1:, k], A[k, k + 1:])
