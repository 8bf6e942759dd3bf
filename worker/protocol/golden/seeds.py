#!/usr/bin/env python3
"""Writes the recorded frames as a seed corpus for codec_fuzz: seeds.py FOLDER"""

import hashlib
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for recording in pathlib.Path(__file__).resolve().parent.glob("*.json"):
    for row in json.loads(recording.read_text()):
        frame = bytes.fromhex(row["hex"])
        (folder / hashlib.sha1(frame).hexdigest()).write_bytes(frame)
