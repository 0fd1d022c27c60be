import numpy as np


def gramschmidt(A):
    """Orthonormal columns by the modified Gram-Schmidt process, A = Q R.

    A column is scaled to unit length, then its share is taken from all columns
    that follow. A needs independent columns and is overwritten.
    """
    n = A.shape[1]
    Q = np.zeros_like(A)
    R = np.zeros((n, n), dtype=A.dtype)
    for k in range(n):
        R[k, k] = np.sqrt(np.sum(A[:, k]**2))
        Q[:, k] = A[:, k] / R[k, k]
        R[k, k + 1:] = Q[:, k] @ A[:, k + 1:]
        A[:, k + 1:] -= np.outer(Q[:, k], R[k, k + 1:])
    return Q, R
