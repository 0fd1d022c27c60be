import numpy as np


def doitgen(NR, NQ, NP, A, C4):
    """The last axis of a three-dimensional array times a matrix, in place.

    The two other axes count as one, which makes it a single matrix product.
    """
    rows = np.reshape(A, (NR * NQ, NP))
    A[:] = np.reshape(rows @ C4, (NR, NQ, NP))
