import numpy as np


def mandelbrot2(xmin, xmax, ymin, ymax, xn, yn, itermax, horizon=2.0):
    """Mandelbrot set: z := z^2 + c, only for the points that have not left yet.

    Points that leave write their z and the number of steps to their place in
    the results, and are dropped from the working arrays, which shrink. Points
    that never leave keep 0.
    """
    column, row = np.mgrid[0:xn, 0:yn]
    column = column.ravel()
    row = row.ravel()
    c = np.linspace(xmin, xmax, xn)[column] + 1j * np.linspace(ymin, ymax, yn)[row]
    z = np.zeros(c.shape, dtype=np.complex128)
    steps = np.zeros((yn, xn), dtype=np.int64)
    left_at = np.zeros((yn, xn), dtype=np.complex128)
    for n in range(itermax):
        if len(z) == 0:
            break
        z = z * z + c
        gone = np.abs(z) > horizon
        steps[row[gone], column[gone]] = n + 1
        left_at[row[gone], column[gone]] = z[gone]
        stay = np.logical_not(gone)
        z, c = z[stay], c[stay]
        row, column = row[stay], column[stay]
    return left_at, steps
