import numpy as np


def floyd_warshall(path):
    """Lengths of the shortest paths between all pairs of nodes.

    path[i, j] starts as the length of the edge from i to j. Round k allows
    node k as a stop on the way: path[i, j] becomes the smaller of itself and
    path[i, k] + path[k, j].
    """
    for k in range(path.shape[0]):
        detour = path[:, k:k + 1] + path[k:k + 1, :]
        path[:] = np.minimum(path, detour)
