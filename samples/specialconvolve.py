import numpy as np


def specialconvolve(a):
    """Sum over each 3 x 3 neighbourhood minus nine times its centre.

    The sum is separable, so three rows are added first and then three columns
    of the result. The output is smaller than the input by one cell on each
    side.
    """
    rows = a[:-2] + a[1:-1] + a[2:]
    box = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return box - 9.0 * a[1:-1, 1:-1]
