

def exact_product(x, y):
    """The rounded product, and what rounding took away; of numbers that are not huge."""
    p = x * y
    a = 134217729.0 * x
    x_high = a - (a - x)
    x_low = x - x_high
    b = 134217729.0 * y
    y_high = b - (b - y)
    y_low = y - y_high
    return p, ((x_high * y_high - p) + x_high * y_low + x_low * y_high) + x_low * y_low


def rounded_float(x, digits):
    """Python's round of a float to decimals: to the nearest decimal number, halves of it to the even digit."""
    if digits > 22 or digits < 0:
        weft.refuse("round to so many digits", "from 0 to 22 digits are known")
    result = x
    if math.isfinite(x) and abs(x) < 4503599627370496.0:
        p, rest = exact_product(abs(x), 10.0 ** digits)
        whole = np.floor(p)
        over = (p - whole) - 0.5
        up = over > 0 or (over == 0 and (rest > 0 or (rest == 0 and whole % 2 == 1)))
        if p < 4503599627370496.0:
            result = math.copysign((whole + 1.0 if up else whole) / 10.0 ** digits, x)
    return float(result)


def builtins__round(number, ndigits=None):
    """Python floats to 0 to 22 digits, by a number of digits that is known."""
    if ndigits is None:
        return int(np.rint(number))
    if not weft.is_python(number):
        return np.round(number, ndigits)
    if weft.kind(number) == 'f':
        return rounded_float(number, ndigits)
    if ndigits < 0:
        weft.refuse("integers rounded to negative digits", "divide, round and multiply")
    return number + 0


def builtins__sorted(iterable, /, *, key=None, reverse=False):
    """Of what is known one by one, without `key`; NaN ends the run."""
    if key is not None:
        weft.refuse("sorted by a key", "sort the keys by np.argsort")
    items = list(iterable)
    if len(items) == 0:
        return items
    values = np.asarray(items)
    assert np.all(values == values), "sorted with NaN among the values, which is not supported here"
    ordered = np.sort(values)
    if reverse:
        ordered = ordered[::-1]
    return [weft.like(items[0], v) for v in ordered]


def math__ldexp(x, i):
    start = float(x)
    result = float(np.ldexp(start, i))
    assert math.isfinite(result) or not math.isfinite(start), "math range error"
    return result


def math__isqrt(n):
    assert n >= 0, "isqrt() argument must be nonnegative"
    root = int(np.sqrt(n))
    while root * root > n:
        root = root - 1
    while (root + 1) * (root + 1) <= n:
        root = root + 1
    return root


def math__dist(p, q):
    return float(np.sqrt(np.sum((np.asarray(p) - np.asarray(q)) ** 2.0)))


def math__remainder(x, y):
    """The nearest multiple of y is taken away, of two the even one."""
    a = abs(float(x))
    b = abs(float(y))
    if b == 0 or math.isinf(a) and not math.isnan(b):
        raise ValueError("math domain error")
    if math.isinf(b):
        return float(x)
    m = np.fmod(a, b)
    c = b - m
    even = m - 2.0 * np.fmod(0.5 * (a - m), b)
    r = np.where(m < c, m, np.where(m > c, -c, even))
    return float(np.copysign(1.0, float(x)) * r)


def order_of_keys(keys, reverse):
    assert np.all(keys == keys), "sorted with NaN among the keys, which is not supported here"
    if reverse:
        return len(keys) - 1 - np.argsort(keys[::-1], kind="stable")[::-1]
    return np.argsort(keys, kind="stable")


def place_of_least(keys):
    at = 0
    for i in range(1, len(keys)):
        if keys[i] < keys[at]:
            at = i
    return at


def place_of_greatest(keys):
    at = 0
    for i in range(1, len(keys)):
        if keys[i] > keys[at]:
            at = i
    return at


def values_of_set(items):
    assert np.all(items == items), "a set with NaN in it, which is not supported here"
    return np.unique(items)
