import numpy as np


def _separations(pos):
    """Vectors from body i to body j, at [i, j], one array per coordinate."""
    x, y, z = pos[:, 0], pos[:, 1], pos[:, 2]
    return x - x[:, np.newaxis], y - y[:, np.newaxis], z - z[:, np.newaxis]


def _acceleration(pos, mass, G, softening):
    dx, dy, dz = _separations(pos)
    square = dx**2 + dy**2 + dz**2 + softening**2
    cube = np.zeros_like(square)
    apart = square > 0
    cube[apart] = square[apart]**-1.5
    return G * np.hstack(((dx * cube) @ mass, (dy * cube) @ mass, (dz * cube) @ mass))


def _energy(pos, vel, mass, G):
    """Kinetic and potential energy; a pair of bodies counts once."""
    dx, dy, dz = _separations(pos)
    inverse = np.sqrt(dx**2 + dy**2 + dz**2)
    apart = inverse > 0
    inverse[apart] = 1.0 / inverse[apart]
    kinetic = 0.5 * np.sum(mass * vel**2)
    potential = -G * np.sum(np.triu(mass * mass.T * inverse, 1))
    return kinetic, potential


def nbody(mass, pos, vel, N, Nt, dt, G, softening):
    """Motion of N bodies under their gravity, by Nt leapfrog steps.

    Each step is half a kick, a drift with the new velocities, and half a kick
    by the forces at the new places. The softening keeps the force between two
    close bodies finite. Returns both energies at the start and after each step.
    """
    vel -= np.mean(mass * vel, axis=0) / np.mean(mass)
    acc = _acceleration(pos, mass, G, softening)
    kinetic = np.empty(Nt + 1)
    potential = np.empty(Nt + 1)
    kinetic[0], potential[0] = _energy(pos, vel, mass, G)
    for step in range(1, Nt + 1):
        vel += acc * (dt / 2.0)
        pos += vel * dt
        acc = _acceleration(pos, mass, G, softening)
        vel += acc * (dt / 2.0)
        kinetic[step], potential[step] = _energy(pos, vel, mass, G)
    return kinetic, potential
