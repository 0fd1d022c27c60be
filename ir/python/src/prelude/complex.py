

def complex_sign(z):
    """On the unit circle, or 0."""
    size = np.abs(z)
    far = np.isinf(size)
    both = np.isinf(z.real) & np.isinf(z.imag)
    lost = np.isnan(size) | both
    finite = np.where(far | (size == 0), 1, size)
    re = np.where(np.isinf(z.real), np.copysign(1, z.real), 0)
    im = np.where(np.isinf(z.imag), np.copysign(1, z.imag), 0)
    re = np.where(lost, np.nan, np.where(far, re, np.where(size == 0, 0, z.real / finite)))
    im = np.where(lost, np.nan, np.where(far, im, np.where(size == 0, 0, z.imag / finite)))
    return weft.complex(re.astype(size.dtype), im.astype(size.dtype))


def of_complex(f, z):
    """A function of the module cmath: it raises where it has no finite value of what is finite."""
    x = np.complex128(complex(z))
    y = f(x)
    assert np.isfinite(y) or not np.isfinite(x), "math domain or range error"
    return complex(y)


def cmath__exp(z):
    return of_complex(np.exp, z)


def cmath__log(z, base=None):
    if base is None:
        return of_complex(np.log, z)
    return of_complex(np.log, z) / of_complex(np.log, base)


def cmath__log10(z):
    return of_complex(np.log10, z)


def cmath__sqrt(z):
    return of_complex(np.sqrt, z)


def cmath__sin(z):
    return of_complex(np.sin, z)


def cmath__cos(z):
    return of_complex(np.cos, z)


def cmath__tan(z):
    return of_complex(np.tan, z)


def cmath__sinh(z):
    return of_complex(np.sinh, z)


def cmath__cosh(z):
    return of_complex(np.cosh, z)


def cmath__tanh(z):
    return of_complex(np.tanh, z)


def cmath__asin(z):
    return of_complex(np.arcsin, z)


def cmath__acos(z):
    return of_complex(np.arccos, z)


def cmath__atan(z):
    return of_complex(np.arctan, z)


def cmath__asinh(z):
    return of_complex(np.arcsinh, z)


def cmath__acosh(z):
    return of_complex(np.arccosh, z)


def cmath__atanh(z):
    return of_complex(np.arctanh, z)


def cmath__phase(z):
    x = complex(z)
    return math.atan2(x.imag, x.real)


def cmath__polar(z):
    x = complex(z)
    return abs(x), math.atan2(x.imag, x.real)


def cmath__rect(r, phi):
    size = float(r)
    angle = float(phi)
    if size == 0:
        return complex(0, 0)
    assert np.isfinite(angle) or np.isnan(angle) or np.isnan(size), "math domain error"
    return complex(size * np.cos(angle), size * np.sin(angle))


def cmath__isfinite(z):
    return bool(np.isfinite(complex(z)))


def cmath__isnan(z):
    return bool(np.isnan(complex(z)))


def cmath__isinf(z):
    return bool(np.isinf(complex(z)))
