def bicg(A, p, r):
    """The two products of the biconjugate gradient method, A^T r and A p."""
    return A.T @ r, A @ p
