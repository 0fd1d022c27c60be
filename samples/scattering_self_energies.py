import numpy as np


def scattering_self_energies(neigh_idx, dH, G, D, Sigma):
    """Self-energies of electrons that scatter from the vibrations of a lattice.

    Sigma[k, E, a] gains, for every momentum q, energy loss w <= E, pair of
    directions i, j and neighbour b of atom a, the Green's function of the
    neighbour at E - w between the two derivatives of the Hamiltonian, weighted
    by D. All momenta k and atoms a are done at once.
    """
    for E in range(G.shape[1]):
        for w in range(min(E + 1, D.shape[1])):
            for b in range(neigh_idx.shape[1]):
                green = G[:, E - w, neigh_idx[:, b]]
                for i in range(D.shape[4]):
                    left = green @ dH[:, b, i]
                    for j in range(D.shape[5]):
                        weight = np.sum(D[:, w, :, b, i, j], axis=0)
                        right = dH[:, b, j] * weight[:, np.newaxis, np.newaxis]
                        Sigma[:, E] += left @ right
