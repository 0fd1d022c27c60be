def k2mm(alpha, beta, A, B, C, D):
    """Two matrix products in a row, D := alpha A B C + beta D."""
    product = A @ B
    product *= alpha
    D[:] = product @ C + beta * D
