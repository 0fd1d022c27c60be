"""Half precision: each operation is carried out in single precision and rounded; sums are rounded once."""

import numpy as np

RANDOM = np.random.default_rng(16)
ARGUMENTS = {
    "h": (RANDOM.random((4, 5)) * 4 - 2).astype(np.float16), "g": RANDOM.random(5).astype(np.float16),
    "b": np.array([True, False, True, True]), "i": np.array([-3, 0, 2, 100, -128, 127], np.int8), "u": np.array([0, 1, 2, 255], np.uint8),
    "d": np.array([1 / 3, 65504, 65519.999, 65520, 1e-8, -6e-8, np.nan, np.inf, 1 + 2.0**-11 + 2.0**-40]),
    "n": np.array([1, 70000, -5, 2049, 2051]),
}


def sqrt_of_bools(b, u):
    return (
        np.sqrt(b), np.exp(b), np.sin(u), np.arctan2(b, u),
    )


def ints(i):
    return (
        np.sqrt(np.abs(i)), np.tanh(i), np.hypot(i, i), np.cbrt(i), np.expm1(i), np.radians(i),
    )


def arithmetic(h, g):
    return (
        h + g, h * 2, h / g, h // g, h % g, -h, abs(h), h ** 2, h > g, h - 1.5, h * 1j,
    )


def mixed(h, g, i, u):
    return (
        h + h.astype(np.float32), h * np.float64(2), g[:4] + u, g[:4] * u.astype(np.int16), g[0] + i,
    )


def casts(d, n):
    return (
        d.astype(np.float16), n.astype(np.float16), d[:4].astype(np.float16).astype(np.float32),
        d[:5].astype(np.float16).astype(np.int64),
    )


def sums(h):
    return (
        h.sum(), h.sum(axis=1), h.prod(axis=0), h.mean(), h.mean(axis=0), h.std(), h.var(axis=1), h.min(),
        h.max(axis=0), h.argmax(), np.cumsum(h, axis=1), np.ptp(h), np.median(h), np.any(h),
        h.sum(dtype=np.float32),
    )


def products(h, g):
    return (
        h @ g, h @ h.T, np.dot(g, g), np.einsum('ij,j->i', h, g), np.outer(g, g), np.tensordot(h, h, 2),
        np.inner(g, g),
    )


def order(h):
    return (
        np.sort(h, axis=1), np.argsort(h[1]), np.unique(np.round(h)), np.searchsorted(np.sort(h[0]), h[1]),
    )


def made(g):
    a = np.zeros((2, 3), np.float16)
    a[0] = g[:3]
    a += 1
    a[1, 1] = 0.1
    return (a, np.ones(3, dtype='float16'), np.full(2, 0.1, np.float16), np.arange(4, dtype=np.float16), np.linspace(0, 1, 5, dtype=np.float16), np.array([0.1, 2], np.float16), np.eye(2, dtype=np.half))


def limits(h):
    return (
        np.finfo(h.dtype).eps, np.finfo(np.float16).max, np.finfo(np.float16).tiny, np.float16(0.1),
        h.dtype == np.float16, np.finfo(np.float16).min,
    )


def where(h, g):
    return (
        np.where(h > 0, h, g), np.clip(h, -1, 1), np.maximum(h, g), np.nan_to_num(h), np.isnan(h), np.sign(h),
        np.floor(h), np.diff(h), np.concatenate([h[0], g]), np.float16(2) * h[0, 0],
        np.interp(h[0], [0, 1], [0, 2]), np.log1p(abs(h)), np.trapezoid(h[0]),
    )


def scalar(h):
    s = h[0, 0]
    for k in range(4):
        s = s * 2 + h[1, k]
    return (s, float(s), int(s), s > 0)


def loop(h, g):
    for j in range(5):
        g[j] += h[:, j].sum()
    return g


def norm(h, b):
    return (
        np.linalg.norm(h.astype(np.float32)), np.linalg.norm(b), np.sqrt(b).sum(), np.mean(np.exp(b)),
    )


def powers(b, i, u):
    return (
        np.power(b, b), u ** np.float16(0.5), np.exp2(u[:3]), np.log(u), np.log2(b), np.arcsin(b),
        np.reciprocal(np.sqrt(u)), np.float_power(b, 2), np.square(i), np.deg2rad(u), np.copysign(i, -1),
        np.nan_to_num(np.log(b)), np.logaddexp(b, b), np.sinc(b),
    )


def fft(h):
    return (
        np.fft.fft(h), np.fft.rfft(h),
    )


def bits(b):
    return (
        np.ldexp(b, 2), np.frexp(b)[0], np.modf(b),
    )


def rounds(h, b):
    return (
        np.rint(h), np.round(h, 1), np.trunc(h), np.rint(b), np.fix(h), np.heaviside(h, h), np.isfinite(h),
        np.signbit(h), np.angle(h), np.conj(h), np.real(h), np.cov(h), np.corrcoef(h), np.average(h, axis=0),
        np.percentile(h, 30), np.quantile(h, 0.3, axis=0), np.histogram(h, bins=3)[0], np.gradient(h[0]),
        np.convolve(h[0], h[1]), np.cross(h[0, :3], h[1, :3]), np.kron(h[0], h[1]), np.trace(h),
    )
