import numpy as np


def spmv(A_row, A_col, A_val, x):
    """A sparse matrix in compressed row form times a vector.

    Row i has the values A_val[lo:hi] in the columns A_col[lo:hi], where lo and
    hi are the entries i and i + 1 of A_row.
    """
    y = np.empty(A_row.shape[0] - 1, dtype=A_val.dtype)
    for i in range(y.shape[0]):
        row = slice(A_row[i], A_row[i + 1])
        y[i] = np.dot(A_val[row], x[A_col[row]])
    return y
