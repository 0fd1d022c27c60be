import numpy as np


def correlation(M, float_n, data):
    """Correlation matrix of the columns of a table.

    The columns are centred and scaled in place to unit length, except that one
    which hardly varies keeps its scale; the correlations are then inner
    products. float_n is the number of rows.
    """
    deviation = np.std(data, axis=0)
    deviation[deviation <= 0.1] = 1.0
    data -= np.mean(data, axis=0)
    data /= np.sqrt(float_n) * deviation

    corr = np.eye(M, dtype=data.dtype)
    for i in range(M - 1):
        others = data[:, i] @ data[:, i + 1:]
        corr[i, i + 1:] = others
        corr[i + 1:, i] = others
    return corr
