import numpy as np


def mandelbrot1(xmin, xmax, ymin, ymax, xn, yn, maxiter, horizon=2.0):
    """Mandelbrot set: z := z^2 + c on a grid of c, by masks over the whole grid.

    Returns the last z that was computed for each point and the number of the
    step in which it was still within the horizon; 0 for points that never left.
    """
    re = np.linspace(xmin, xmax, xn)
    im = np.linspace(ymin, ymax, yn)
    c = re + 1j * im[:, np.newaxis]
    z = np.zeros(c.shape, dtype=np.complex128)
    last = np.zeros(c.shape, dtype=np.int64)
    for n in range(maxiter):
        near = np.abs(z) < horizon
        last[near] = n
        z[near] = z[near]**2 + c[near]
    last[last == maxiter - 1] = 0
    return z, last
