import numpy as np


def go_fast(a):
    """A matrix shifted by the sum of tanh over its diagonal.

    Returns a with t added to every entry, where t is the sum of tanh(a[k, k])
    over all k.
    """
    trace = 0.0
    for k in range(a.shape[0]):
        trace += np.tanh(a[k, k])
    return a + trace
