def k3mm(A, B, C, D):
    """Three matrix products, (A B) (C D)."""
    return (A @ B) @ (C @ D)
