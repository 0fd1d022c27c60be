import numpy as np


def _pairs(first, second):
    """Bases 0 to 3 pair with their complements."""
    return 1 if first + second == 3 else 0


def nussinov(N, seq):
    """Folding of an RNA strand with the most base pairs, by dynamic programming.

    table[i, j] is the largest number of pairs within the bases i to j: one of
    the ends stays free, or they pair with each other unless they are
    neighbours, or the strand splits in two.
    """
    table = np.zeros((N, N), dtype=np.int32)
    for i in range(N - 2, -1, -1):
        for j in range(i + 1, N):
            best = max(table[i, j - 1], table[i + 1, j])
            if j > i + 1:
                best = max(best, table[i + 1, j - 1] + _pairs(seq[i], seq[j]))
                best = max(best, np.max(table[i, i + 1:j] + table[i + 2:j + 1, j]))
            table[i, j] = best
    return table
