def syrk(alpha, beta, C, A):
    """Symmetric update of rank k, C := alpha A A^T + beta C.

    Only the lower triangle of C is computed, row by row.
    """
    for i in range(A.shape[0]):
        C[i, :i + 1] *= beta
        C[i, :i + 1] += alpha * (A[:i + 1] @ A[i])
