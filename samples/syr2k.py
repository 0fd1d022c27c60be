def syr2k(alpha, beta, C, A, B):
    """Symmetric update of rank 2k, C := alpha (A B^T + B A^T) + beta C.

    Only the lower triangle of C is computed, row by row.
    """
    for i in range(A.shape[0]):
        C[i, :i + 1] *= beta
        C[i, :i + 1] += alpha * (A[:i + 1] @ B[i] + B[:i + 1] @ A[i])
