import numpy as np


def softmax(x):
    """Softmax along the last axis of a four-dimensional array.

    exp(x_i) over the sum of exp(x_j), after the largest entry of each row is
    subtracted, which changes nothing in exact arithmetic and keeps exp from
    overflowing.
    """
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
