

def numpy__gcd(x1, x2):
    return of_pairs(greatest_divisor, x1, x2)


def numpy__lcm(x1, x2):
    return of_pairs(least_multiple, x1, x2)


def of_pairs(f, x1, x2):
    t = np.result_type(x1, x2)
    if np.dtype(t).kind not in "iu":
        weft.refuse("this function of numbers that are no integers", "convert them by astype")
    shape = np.broadcast_shapes(np.shape(x1), np.shape(x2))
    a = np.broadcast_to(np.asarray(x1), shape).astype(t)
    b = np.broadcast_to(np.asarray(x2), shape).astype(t)
    if len(shape) == 0:
        return f(a[()], b[()])
    flat_a = a.reshape(-1)
    flat_b = b.reshape(-1)
    result = np.empty(flat_a.shape, t)
    for i in range(flat_a.shape[0]):
        result[i] = f(flat_a[i], flat_b[i])
    return result.reshape(shape)


def greatest_divisor(a, b):
    x = abs(a)
    y = abs(b)
    while y != 0:
        rest = x % y
        x = y
        y = rest
    return x


def least_multiple(a, b):
    d = greatest_divisor(a, b)
    return np.abs(a) // np.where(d == 0, 1, d).astype(d.dtype) * np.abs(b)


def numpy__bitwise_count(x):
    """Of signed integers the bits of their absolute values."""
    a = np.asarray(x)
    if weft.kind(a) == 'b':
        return a.astype(np.uint8)
    n = np.abs(a).astype(np.uint64)
    n = n - ((n >> 1) & 0x5555555555555555)
    n = (n & 0x3333333333333333) + ((n >> 2) & 0x3333333333333333)
    n = (n + (n >> 4)) & 0x0f0f0f0f0f0f0f0f
    return ((n * 0x0101010101010101) >> 56).astype(np.uint8)


def numpy__ldexp(x1, x2):
    t = weft.math_type(x1)
    n = np.clip(np.asarray(x2), -2200, 2200).astype(np.int64)
    half = n // 2
    quarter = half // 2
    x = np.asarray(x1).astype(np.float64)
    x = x * np.exp2(quarter) * np.exp2(half - quarter)
    rest = n - half
    quarter = rest // 2
    return (x * np.exp2(quarter) * np.exp2(rest - quarter)).astype(t)


def numpy__frexp(x):
    v = np.asarray(x).astype(weft.math_type(x))
    wide = v.astype(np.float64)
    size = np.abs(wide)
    known = (size > 0) & np.isfinite(size)
    safe = np.where(known, size, 1.0)
    n = np.floor(np.log2(safe)).astype(np.int64) + 1
    part = np.ldexp(safe, -n)
    # The logarithm may be rounded to the next power of two.
    n = n + np.where(part >= 1, 1, np.where(part < 0.5, -1, 0))
    part = np.copysign(np.ldexp(safe, -n), wide)
    return np.where(known, part, wide).astype(v.dtype), np.where(known, n, 0).astype(np.int32)


def numpy__spacing(x):
    v = np.asarray(x).astype(weft.math_type(x))
    return np.copysign(np.nextafter(np.abs(v), np.inf) - np.abs(v), v)
