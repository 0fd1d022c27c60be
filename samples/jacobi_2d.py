import numpy as np


def jacobi_2d(TSTEPS, A, B):
    """Five-point smoothing of a square grid, repeated.

    Every inner point becomes the mean of itself and its four neighbours. A is
    smoothed into B and B back into A, TSTEPS - 1 times; the border keeps its
    values. The fixed point solves Laplace's equation.
    """
    for step in range(1, TSTEPS):
        B[1:-1, 1:-1] = 0.2 * (A[:-2, 1:-1] + A[2:, 1:-1] + A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:])
        A[1:-1, 1:-1] = 0.2 * (B[:-2, 1:-1] + B[2:, 1:-1] + B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:])
