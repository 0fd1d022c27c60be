import numpy as np


def _relu(x):
    return np.maximum(x, 0)


def _convolution(images, weights):
    """Inner product of the stencil with each square of the images; no padding."""
    size = weights.shape[0]
    rows = images.shape[1] - size + 1
    columns = images.shape[2] - size + 1
    output = np.empty((images.shape[0], rows, columns, weights.shape[3]), dtype=np.float32)
    for i in range(rows):
        for j in range(columns):
            square = images[:, i:i + size, j:j + size, :, np.newaxis]
            output[:, i, j] = np.sum(square * weights, axis=(1, 2, 3))
    return output


def _halved(images):
    """The largest value of each 2 x 2 square; an odd row or column at the end is dropped."""
    n, rows, columns, channels = images.shape
    squares = images[:, :rows // 2 * 2, :columns // 2 * 2]
    return np.reshape(squares, (n, rows // 2, 2, columns // 2, 2, channels)).max(axis=(2, 4))


def lenet(input, conv1, conv1bias, conv2, conv2bias, fc1w, fc1b, fc2w, fc2b, fc3w, fc3b, N, C_before_fc1):
    """Scores for ten digits by the convolutional network LeNet-5.

    Twice a 5 x 5 convolution, rectification and halving of the resolution,
    then three dense layers.
    """
    x = _halved(_relu(_convolution(input, conv1) + conv1bias))
    x = _halved(_relu(_convolution(x, conv2) + conv2bias))
    x = np.reshape(x, (N, C_before_fc1))
    x = _relu(x @ fc1w + fc1b)
    x = _relu(x @ fc2w + fc2b)
    return x @ fc3w + fc3b
