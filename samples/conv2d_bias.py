import numpy as np


def conv2d_bias(input, weights, bias):
    """Convolution of images with a square stencil, plus a bias per channel.

    The axes are image, row, column, channel. Only places where the stencil
    lies within the image are computed; each of its points adds a product of
    the shifted images with a matrix from input to output channels.
    """
    size = weights.shape[0]
    rows = input.shape[1] - size + 1
    columns = input.shape[2] - size + 1
    output = np.zeros((input.shape[0], rows, columns, weights.shape[3]), dtype=np.float32)
    for i in range(size):
        for j in range(size):
            output += input[:, i:i + rows, j:j + columns] @ weights[i, j]
    return output + bias
