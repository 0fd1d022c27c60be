def trmm(alpha, A, B):
    """Product with a triangular matrix in place, B := alpha A^T B.

    A is lower triangular with ones on the diagonal; neither these nor what
    stands above is read. A row of the result needs later rows only.
    """
    for i in range(B.shape[0]):
        B[i] += A[i + 1:, i] @ B[i + 1:]
    B *= alpha
