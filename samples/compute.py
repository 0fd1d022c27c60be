import numpy as np


def compute(array_1, array_2, a, b, c):
    """A linear combination of integer arrays, the first one limited to 2 ... 10."""
    limited = np.clip(array_1, 2, 10)
    return a * limited + b * array_2 + c
