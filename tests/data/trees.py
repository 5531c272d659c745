"""Small data sets in the naming of the public ones, each image of another colour."""

from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 8


def colour(number: int) -> tuple[int, int, int]:
    return (37 * number + 11) % 256, (91 * number + 3) % 256, (number * 7) % 256


def save(path: Path, number: int) -> None:
    """One image of a colour that follows from its number; PNG bytes under any name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((2 * SIDE, SIDE, 3), colour(number), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="PNG")


def make(root: Path, folders: dict[str, list[str]]) -> Path:
    """Write the images of each folder, all different, in the order that is given; returns root."""
    number = 0
    for folder, names in folders.items():
        for name in names:
            save(root / folder / name, number)
            number += 1
    return root


# In each: two identities to train on, two query images, and a gallery with a match for both.
MARKET = {
    "bounding_box_train": [
        "0007_c1s1_000451_03.jpg",
        "0002_c1s1_000451_03.jpg",
        "0002_c3s2_000301_01.jpg",
    ],
    "query": ["0005_c1s1_000151_00.jpg", "0009_c6s4_000001_00.jpg"],
    "bounding_box_test": [
        "-1_c2s1_000001_00.jpg",
        "0000_c4s1_000002_00.jpg",
        "0005_c2s1_000003_00.jpg",
        "0009_c5s1_000004_00.jpg",
        "0009_c6s4_000005_00.jpg",
    ],
}
DUKE = {
    "bounding_box_train": ["0005_c2_f0046985.jpg", "0003_c8_f0046001.jpg"],
    "query": ["0006_c1_f0000001.jpg"],
    "bounding_box_test": ["0006_c8_f0000002.jpg", "7140_c3_f0000003.jpg"],
}
VERI = {
    "image_train": ["0002_c020_00016450_0.jpg", "0001_c001_00016450_0.jpg"],
    "image_query": ["0004_c012_00016450_0.jpg"],
    "image_test": ["0004_c013_00016450_0.jpg", "0004_c012_00016451_0.jpg"],
}
CUHK03 = {
    "bounding_box_train": ["1_001_1_01.png", "1_001_2_06.png", "2_001_1_01.png"],
    "query": ["3_004_1_01.png"],
    "bounding_box_test": ["3_004_2_06.png", "3_005_2_06.png"],
}
REID_FOLDER = {
    "train": ["12_c1_a.png", "3_c10.png", "3_c2_b.jpg"],
    "query": ["5_c1_x.png"],
    "gallery": ["5_c2_y.png", "0_c1_stranger.png", "-1_c1_junk.png"],
}
MSMT = {
    "train": {
        "list_train.txt": ["0000/0000_000_01_0303morning_0008_0.jpg 0"],
        "list_val.txt": ["0001/0001_000_15_0303noon_0008_1.jpg 1"],
    },
    "test": {
        "list_query.txt": ["0000/0000_000_03_0303morning_0008_0.jpg 0"],
        "list_gallery.txt": [
            "0000/0000_001_04_0303morning_0010_0.jpg 0",
            "0001/0001_001_03_0303morning_0012_0.jpg 1",
        ],
    },
}


def make_msmt(root: Path, prefix: str = "", suffix: str = "") -> Path:
    number = 0
    for folder, lists in MSMT.items():
        for name, lines in lists.items():
            for line in lines:
                save(root / f"{prefix}{folder}{suffix}" / line.split()[0], number)
                number += 1
            (root / name).write_text("\n".join(lines) + "\n")
    return root


CLASSES = {
    "train/cat": ["b.jpg", "a.PNG"],
    "train/ant": ["c.jpg", "deep/d.jpg"],
    "test/cat": ["e.jpg"],
    "test/ant": ["f.jpg"],
}


def make_cifar(root: Path, name: str, per_file: int = 4) -> Path:
    """The binary version, with labels 0, 1, 2, ... and pixels that tell the planes apart."""
    fine = name == "cifar100"
    train = ["train.bin"] if fine else [f"data_batch_{i}.bin" for i in range(1, 6)]
    root.mkdir(parents=True, exist_ok=True)
    number = 0
    for file in [*train, "test.bin" if fine else "test_batch.bin"]:
        records = b""
        for i in range(per_file):
            records += (b"\x13" if fine else b"") + bytes([i % 10])
            records += b"".join(bytes([value]) * 1024 for value in colour(number))
            number += 1
        (root / file).write_bytes(records)
    names = [f"class {i:02}" for i in range(100 if fine else 10)]
    file = "fine_label_names.txt" if fine else "batches.meta.txt"
    (root / file).write_text("\n".join(names) + "\n")
    return root
