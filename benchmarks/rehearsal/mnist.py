"""Files in MNIST's format that contain noise, for `bsuite/MnistBandit-v0` on machines without the dataset."""

import random
from pathlib import Path

COUNT, SIDE = 40, 28


def write_noise(folder: Path) -> None:
    """Writes images and labels of the training set."""
    noise = random.Random(0)
    shape = b"".join(number.to_bytes(4, "big") for number in (COUNT, SIDE, SIDE))
    images = bytes((0, 0, 8, 3)) + shape + noise.randbytes(COUNT * SIDE * SIDE)
    labels = bytes((0, 0, 8, 1)) + COUNT.to_bytes(4, "big") + bytes(noise.randrange(10) for _ in range(COUNT))
    folder.mkdir(exist_ok=True)
    (folder / "train-images-idx3-ubyte").write_bytes(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
