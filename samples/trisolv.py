def trisolv(L, x, b):
    """Forward substitution: x with L x = b, where L is lower triangular."""
    for i in range(x.shape[0]):
        known = L[i, :i] @ x[:i]
        x[i] = (b[i] - known) / L[i, i]
