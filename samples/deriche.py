import numpy as np


def _both_ways(image, taps):
    """A recursive filter along the rows, the sum of a run to the right and one to the left."""
    a1, a2, a3, a4, b1, b2 = taps
    n = image.shape[1]
    right = np.empty_like(image)
    right[:, 0] = a1 * image[:, 0]
    right[:, 1] = a1 * image[:, 1] + a2 * image[:, 0] + b1 * right[:, 0]
    for j in range(2, n):
        right[:, j] = a1 * image[:, j] + a2 * image[:, j - 1] + b1 * right[:, j - 1] + b2 * right[:, j - 2]

    left = np.zeros_like(image)
    left[:, -2] = a3 * image[:, -1]
    for j in range(n - 3, -1, -1):
        left[:, j] = a3 * image[:, j + 1] + a4 * image[:, j + 2] + b1 * left[:, j + 1] + b2 * left[:, j + 2]
    return right + left


def deriche(alpha, imgIn):
    """Deriche's smoothing of an image, first along rows, then along columns.

    A two-sided exponential of width 1 / alpha is applied as two recursions of
    second order, so that the work does not depend on the width.
    """
    fall = np.exp(-alpha)
    gain = (1.0 - fall)**2 / (1.0 + alpha * fall - np.exp(2.0 * alpha))
    taps = (gain, gain * fall * (alpha - 1.0), gain * fall * (alpha + 1.0), -gain * fall**2, 2.0**(-alpha), -fall**2)
    smooth = _both_ways(imgIn, taps)
    return _both_ways(smooth.T, taps).T
