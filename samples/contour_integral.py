import numpy as np


def contour_integral(NR, NM, slab_per_bc, Ham, int_pts, Y):
    """The first two moments of a contour integral for a nonlinear eigenproblem.

    T(z) is a polynomial in z with the blocks of Ham as coefficients, its powers
    centred on zero. At each point of the contour T(z) X = Y is solved, where Y
    stands for the identity if it is square; X counts negative inside the unit
    circle. The moments are the sums of X and of z X.
    """
    P0 = np.zeros((NR, NM), dtype=np.complex128)
    P1 = np.zeros((NR, NM), dtype=np.complex128)
    for z in int_pts:
        T = np.zeros((NR, NR), dtype=np.complex128)
        for n in range(slab_per_bc + 1):
            T += z**(slab_per_bc / 2 - n) * Ham[n]
        X = np.linalg.inv(T) if NR == NM else np.linalg.solve(T, Y)
        sign = -1.0 if np.abs(z) < 1.0 else 1.0
        P0 += sign * X
        P1 += sign * z * X
    return P0, P1
