import numpy as np


def _relu(x):
    return np.maximum(x, 0)


def _convolution(images, weights):
    """Inner product of the stencil with each square of the images; no padding."""
    size = weights.shape[0]
    rows = images.shape[1] - size + 1
    columns = images.shape[2] - size + 1
    output = np.zeros((images.shape[0], rows, columns, weights.shape[3]), dtype=np.float32)
    for i in range(size):
        for j in range(size):
            output += images[:, i:i + rows, j:j + columns] @ weights[i, j]
    return output


def _normalized(x, eps=1e-5):
    """Values less their mean over the batch, over the root of their deviation."""
    mean = np.mean(x, axis=0, keepdims=True)
    deviation = np.std(x, axis=0, keepdims=True)
    return (x - mean) / np.sqrt(deviation + eps)


def resnet(input, conv1, conv2, conv3):
    """A bottleneck block of the residual network ResNet-50.

    Convolutions 1 x 1, 3 x 3 and 1 x 1, each normalized over the batch and
    rectified; a rim of zeros around the first result keeps the size, and the
    input is added before the last rectification.
    """
    n, rows, columns, channels = input.shape
    padded = np.zeros((n, rows + 2, columns + 2, conv1.shape[3]), dtype=np.float32)
    padded[:, 1:-1, 1:-1] = _convolution(input, conv1)
    x = _relu(_normalized(padded))
    x = _relu(_normalized(_convolution(x, conv2)))
    x = _normalized(_convolution(x, conv3))
    return _relu(x + input)
