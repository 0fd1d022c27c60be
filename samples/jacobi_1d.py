import numpy as np

WEIGHT = 0.33333


def jacobi_1d(TSTEPS, A, B):
    """Three-point smoothing of a line, repeated.

    Every inner point becomes the mean of itself and its two neighbours, with a
    third in five digits, as the suites have it. A is smoothed into B and B back
    into A, TSTEPS - 1 times; the end points keep their values.
    """
    for step in range(1, TSTEPS):
        B[1:-1] = WEIGHT * (A[1:-1] + A[:-2] + A[2:])
        A[1:-1] = WEIGHT * (B[1:-1] + B[:-2] + B[2:])
