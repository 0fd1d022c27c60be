"""wrong with --optimize auto (program 68).

Run again: python tests/fuzz.py --again tests/fuzz-found/wrong_68_auto.py
"""
import cmath
import math

import numpy as np


def kernel(a0, a1, a3):
    v4 = np.sum(a3, axis=None)
    v9 = a1.conj()
    v9[::2] *= 2
    if a3.sum() > True:
        v11 = a3 * 2.0 + (-0.25 * a0)
    else:
        v11 = a3 * 2.0 - (v4 + a3)
    return (v11,)


def arguments():
    nan, inf = np.nan, np.inf
    return dict(
        a0=np.array([[-0.25], [-0.25], [0.375], [3.375], [-2.0], [1.625]], dtype='float64').reshape((6, 1)),
        a1=np.array([8, 5, 7, 8, 6, 6, 1, 1], dtype='uint32').reshape((8,)),
        a3=np.array([[-2.625], [-3.375], [-3.25], [2.375], [-4.875], [4.375]], dtype='float64').reshape((6, 1)),
    )
