import numpy as np


def seidel_2d(TSTEPS, N, A):
    """Nine-point smoothing of a square grid in place, by Gauss and Seidel.

    Every inner point becomes the mean of the 3 x 3 square around it, of which
    the row above and the left neighbour are new already. All but the left
    neighbour can be added for a whole row at a time.
    """
    for step in range(1, TSTEPS):
        for i in range(1, N - 1):
            above = A[i - 1, :-2] + A[i - 1, 1:-1] + A[i - 1, 2:]
            below = A[i + 1, :-2] + A[i + 1, 1:-1] + A[i + 1, 2:]
            total = above + below + A[i, 1:-1] + A[i, 2:]
            for j in range(1, N - 1):
                A[i, j] = (total[j - 1] + A[i, j - 1]) / 9.0
