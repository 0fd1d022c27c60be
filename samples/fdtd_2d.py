import numpy as np


def fdtd_2d(TMAX, ex, ey, hz, _fict_):
    """Maxwell's equations in the plane on a staggered grid.

    The electric field components ex and ey change with the differences of the
    magnetic field hz across a cell, then hz changes with the circulation of
    the electric field around the cell. The first row of ey is driven by the
    signal _fict_, one value a step.
    """
    for t in range(TMAX):
        ey[0] = _fict_[t]
        ey[1:] -= 0.5 * (hz[1:] - hz[:-1])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        across_x = ey[1:, :-1] - ey[:-1, :-1]
        across_y = ex[:-1, 1:] - ex[:-1, :-1]
        hz[:-1, :-1] -= 0.7 * (across_x + across_y)
