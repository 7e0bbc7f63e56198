"""Unpacks the parts of TensorFlow's wheel with which tfjs-node's addon is built.

unpack-wheel.py WHEEL FOLDER: writes libraries to FOLDER/lib, and headers to FOLDER/include.
"""

import shutil
import sys
import zipfile
from pathlib import Path, PurePosixPath

LIBRARIES = ("libtensorflow_cc.so.2", "libtensorflow_framework.so.2")
HEADERS = PurePosixPath("tensorflow/include")

wheel, folder = sys.argv[1], Path(sys.argv[2])
with zipfile.ZipFile(wheel) as archive:
    for name in LIBRARIES:
        with archive.open(f"tensorflow/{name}") as source, open(folder / "lib" / name, "wb") as target:
            shutil.copyfileobj(source, target, 2**20)
    for entry in archive.infolist():
        path = PurePosixPath(entry.filename)
        if not entry.is_dir() and path.suffix == ".h" and HEADERS in path.parents:
            target = folder / "include" / path.relative_to(HEADERS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))
