"""Which compiled files show a change: reads changed paths from standard input, prints each .cpp of
compile_commands.json (the argument) that is one of them, or lies beside a changed header."""

import json
import os
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as text:
        compiled = {os.path.relpath(entry["file"]) for entry in json.load(text)}
    wanted = set()
    for path in sys.stdin.read().split():
        stem, extension = os.path.splitext(path)
        candidates = {path} if extension == ".cpp" else {stem + ".cpp", stem + "_test.cpp"}
        found = candidates & compiled
        if extension == ".h" and not found:  # no file of its own: any that lies beside it
            folder = os.path.dirname(path)
            found = set(sorted(each for each in compiled if os.path.dirname(each) == folder)[:1])
        wanted |= found
    for path in sorted(wanted):
        print(path)


main()
