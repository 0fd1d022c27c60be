import numpy as np


def symm(alpha, beta, C, A, B):
    """Product with a symmetric matrix, C := alpha A B + beta C.

    Only the lower triangle of A is read: the part of row i left of the diagonal
    is used once as a row, and once as the column above the diagonal.
    """
    C *= beta
    for i in range(C.shape[0]):
        C[:i] += alpha * np.outer(A[i, :i], B[i])
        C[i] += alpha * (A[i, i] * B[i] + A[i, :i] @ B[:i])
