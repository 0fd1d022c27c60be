import numpy as np


def azimint_naive(data, radius, npt):
    """Mean of the data on rings of equal width, one ring at a time.

    The rings divide the range from 0 to the largest radius. Each picks its
    points by a mask; the outermost point lies on no ring.
    """
    outermost = np.max(radius)
    means = np.empty(npt)
    for ring in range(npt):
        inner = outermost * ring / npt
        outer = outermost * (ring + 1) / npt
        means[ring] = np.mean(data[(radius >= inner) & (radius < outer)])
    return means
