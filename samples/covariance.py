import numpy as np


def covariance(M, float_n, data):
    """Covariance matrix of the columns of a table, row by row of the triangle.

    The columns are centred in place; a covariance is an inner product over the
    number of rows, float_n, less one.
    """
    data -= np.mean(data, axis=0)
    cov = np.empty((M, M), dtype=data.dtype)
    for i in range(M):
        row = data[:, i] @ data[:, i:]
        row /= float_n - 1.0
        cov[i, i:] = row
        cov[i:, i] = row
    return cov
