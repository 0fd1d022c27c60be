import numpy as np


def durbin(r):
    """The Yule-Walker equations T y = -r by Durbin's recursion.

    T is the symmetric Toeplitz matrix with ones on the diagonal and r beside
    it. The solution of order k + 1 is that of order k plus a multiple alpha of
    its own mirror image, with alpha appended.
    """
    y = np.empty_like(r)
    y[0] = -r[0]
    alpha = -r[0]
    beta = 1.0
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha**2
        alpha = -(r[k] + r[k - 1::-1] @ y[:k]) / beta
        y[:k] += alpha * y[k - 1::-1]
        y[k] = alpha
    return y
