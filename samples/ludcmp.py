import numpy as np


def ludcmp(A, b):
    """Solves A x = b by factors A = L U without pivoting.

    A is overwritten with its factors, row by row; forward substitution gives y
    with L y = b, backward substitution x with U x = y.
    """
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            A[i, j] = (A[i, j] - A[i, :j] @ A[:j, j]) / A[j, j]
        A[i, i:] -= A[i, :i] @ A[:i, i:]

    y = np.zeros_like(b)
    for i in range(n):
        y[i] = b[i] - A[i, :i] @ y[:i]
    x = np.zeros_like(b)
    for i in reversed(range(n)):
        x[i] = (y[i] - A[i, i + 1:] @ x[i + 1:]) / A[i, i]
    return x, y
