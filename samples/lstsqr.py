import numpy as np


def lstsqr(x, y):
    """The straight line through points with the least sum of squares.

    Its slope is the covariance of x and y over the variance of x, and it
    passes through the point of the two averages, which gives the intercept.
    """
    mid_x = np.average(x)
    mid_y = np.average(y)
    from_mid = x - mid_x
    slope = np.sum(from_mid * (y - mid_y)) / np.sum(from_mid**2)
    return slope, mid_y - slope * mid_x
