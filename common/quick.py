"""Small generated data that a working model learns in seconds; no network, no real data.

For checking an installation and for tests. A model that learns gets far above chance; one with
a broken layer, loss or optimizer does not. Results on it are never shown beside real ones.
"""

import numpy as np

# Changes whenever what is generated changes; records carry it in place of a checksum.
DIGEST = "quick-2"
TRAIN, TEST = 640, 256
WORDS_PER_CLASS = 50


def images(seed=0):
    """Ten classes of noisy textures: uint8 (n, 3, 32, 32) and int64 labels, training then test."""
    random = np.random.RandomState(seed)
    coarse = random.uniform(0, 1, (10, 3, 4, 4))
    textures = coarse.repeat(8, axis=2).repeat(8, axis=3)
    y = random.randint(0, 10, TRAIN + TEST)
    noise = random.uniform(0, 1, (len(y), 3, 32, 32))
    x = (255 * (0.6 * textures[y] + 0.4 * noise)).astype(np.uint8)
    return x[:TRAIN], y[:TRAIN].astype(np.int64), x[TRAIN:], y[TRAIN:].astype(np.int64)


def reviews(vocabulary, length, seed=0):
    """Two classes of word sequences: int32 (n, length) and int64 labels, training then test.

    Half the words of a review come from its class's own few, half from anywhere; reviews
    differ in length, with zeros after the end of the shorter ones.
    """
    random = np.random.RandomState(seed)
    own = random.choice(np.arange(4, vocabulary), (2, WORDS_PER_CLASS), replace=False)
    y = random.randint(0, 2, TRAIN + TEST)
    x = random.randint(4, vocabulary, (len(y), length))
    chosen = own[y[:, None], random.randint(0, WORDS_PER_CLASS, x.shape)]
    x = np.where(random.uniform(size=x.shape) < 0.5, chosen, x)
    x[:, 0] = 1
    ends = random.randint(length * 9 // 10, length + 1, len(y))
    x[np.arange(length) >= ends[:, None]] = 0
    x, y = x.astype(np.int32), y.astype(np.int64)
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]
