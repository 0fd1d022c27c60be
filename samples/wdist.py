import numpy as np


def wdist(A, B, W):
    """Weighted Euclidean distances between the columns of two matrices.

    D[i, j] is the length of the difference of column i of A and column j of B
    after each of its entries is divided by the weight in column i of W.
    """
    D = np.empty((A.shape[1], B.shape[1]))
    for i in range(A.shape[1]):
        for j in range(B.shape[1]):
            apart = (A[:, i] - B[:, j]) / W[:, i]
            D[i, j] = np.sqrt(np.sum(apart * apart))
    return D
