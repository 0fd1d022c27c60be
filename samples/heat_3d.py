import numpy as np


def _diffuse(old, new):
    """One explicit Euler step of the heat equation, from old into the inside of new."""
    mid = old[1:-1, 1:-1, 1:-1]
    along_x = 0.125 * (old[2:, 1:-1, 1:-1] - 2.0 * mid + old[:-2, 1:-1, 1:-1])
    along_y = 0.125 * (old[1:-1, 2:, 1:-1] - 2.0 * mid + old[1:-1, :-2, 1:-1])
    along_z = 0.125 * (old[1:-1, 1:-1, 2:] - 2.0 * mid + old[1:-1, 1:-1, :-2])
    new[1:-1, 1:-1, 1:-1] = mid + along_x + along_y + along_z


def heat_3d(TSTEPS, A, B):
    """Heat flow in a cube by finite differences.

    du/dt = u_xx + u_yy + u_zz with second differences in space, explicit
    Euler steps in time and a mesh ratio of one eighth. A steps into B and B
    back into A, TSTEPS - 1 times; the faces of the cube are held fixed.
    """
    for step in range(1, TSTEPS):
        _diffuse(A, B)
        _diffuse(B, A)
