import numpy as np


def stockham_fft(N, R, K, x, y):
    """Discrete Fourier transform of N = R**K numbers by Stockham's algorithm.

    In step i the data are R**i transforms interleaved in blocks. The digit to
    be transformed goes to the front, the numbers are turned by the twiddle
    factors, and one product with the R x R Fourier matrix does a step for all
    of them. No digit reversal is left at the end. The result is in y.
    """
    j, k = np.mgrid[0:R, 0:R]
    fourier = np.exp(-2j * np.pi * j * k / R)
    y[:] = x
    for i in range(K):
        done = R**i
        rest = R**(K - i - 1)
        digits = np.transpose(np.reshape(y, (done, R, rest)), (1, 0, 2))
        angle = np.outer(np.arange(R), np.arange(done)) / (R * done)
        turned = np.exp(-2j * np.pi * angle)[:, :, np.newaxis] * digits
        y[:] = np.reshape(fourier @ np.reshape(turned, (R, done * rest)), (N,))
