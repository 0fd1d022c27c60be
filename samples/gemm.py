import numpy as np


def gemm(alpha, beta, C, A, B):
    """General matrix product, C := alpha A B + beta C.

    Each entry of C becomes beta times itself plus alpha times the inner
    product of a row of A with a column of B.
    """
    C *= beta
    C += alpha * (A @ B)
