#!/usr/bin/env python3
"""Writes the completion files of a program for bash, zsh and fish, from what its --help lists.

usage: make.py PROGRAM FOLDER
Makes FOLDER/bash/NAME, FOLDER/zsh/_NAME and FOLDER/fish/NAME.fish. An option is a line of two
spaces and its names, with its value's name behind them; a value that is called <filename> is
completed to files, and the words in capitals are what a <level> may be.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

OPTION = re.compile(r"^  (?P<left>-\S.*?)(?:  +(?P<help>\S.*))?$")
CONTINUED = re.compile(r"^ {16,}(?P<help>\S.*)$")
NAME = re.compile(r"(?:(?<=^)|(?<=[ ,]))--?[A-Za-z][\w-]*")


@dataclass
class Option:
    names: list[str]
    value: str  # what --help calls it; empty for a flag
    help: str

    @property
    def files(self) -> bool:
        return self.value == "<filename>"

    @property
    def words(self) -> list[str]:
        words = re.findall(r"\b[A-Z]{4,}\b", self.help) if self.value == "<level>" else []
        return list(dict.fromkeys(words))

    @property
    def sentence(self) -> str:
        """The help's first one."""
        return re.split(r"(?<!e\.g)\.(?: |$)|; ", self.help)[0]


def read_options(text: str) -> list[Option]:
    options: list[Option] = []
    open_option = False  # whether a line of help may belong to the last one
    for line in text.splitlines():
        if match := OPTION.match(line):
            left = match["left"]
            # CLI11 tells of environment variables and default values there.
            value = re.sub(r"\(Env:\S+\)|[=:].*", "", NAME.sub("", left)).replace(",", " ").split()
            metavar = " ".join(dict.fromkeys(re.findall(r"<[^>]*>", left))) or " ".join(value)
            options.append(Option(NAME.findall(left), metavar, match["help"] or ""))
            open_option = True
        elif open_option and (match := CONTINUED.match(line)):
            options[-1].help = f"{options[-1].help} {match['help']}".strip()
        else:
            open_option = False
    return options


def identifier(program: str) -> str:
    return "_" + re.sub(r"\W", "_", program)


def bash(program: str, options: list[Option]) -> str:
    cases = ""
    for option in options:
        if option.value:
            action = "return"
            if option.files:
                action = "compopt -o default; return"
            elif option.words:
                action = f'mapfile -t COMPREPLY < <(compgen -W "{" ".join(option.words)}" -- "$word"); return'
            cases += f"    {' | '.join(option.names)}) {action} ;;\n"
    every = " ".join(name for option in options for name in option.names)
    return f"""# Completion of {program} for bash.
{identifier(program)}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}}
  COMPREPLY=()
  case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{cases}  esac
  mapfile -t COMPREPLY < <(compgen -W "{every}" -- "$word")
}}
complete -F {identifier(program)} {program}
"""


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def zsh(program: str, options: list[Option]) -> str:
    lines = ""
    for option in options:
        sentence = re.sub(r"([\[\]:\\])", r"\\\1", option.sentence)
        rest = f"[{sentence}]"
        if option.value:
            action = "_files" if option.files else f"({' '.join(option.words)})" if option.words else ""
            rest += f":{option.value.strip('<>')}:{action}"
        for name in option.names:
            others = " ".join(option.names)
            equal = "" if not option.value else "=" if name.startswith("--") else "+"
            lines += f" \\\n  {quoted(f'({others}){name}{equal}{rest}')}"
    return f"#compdef {program}\n# Completion of {program} for zsh.\n_arguments -s -S{lines}\n"


def fish(program: str, options: list[Option]) -> str:
    lines = f"# Completion of {program} for fish.\ncomplete -c {program} -f\n"
    for option in options:
        names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
        value = ""
        if option.files:
            value = " -r -F"
        elif option.value:
            value = " -x" + (f" -a {quoted(' '.join(option.words))}" if option.words else "")
        sentence = option.sentence.replace("\\", "\\\\").replace("'", "\\'")
        lines += f"complete -c {program} {names}{value} -d '{sentence}'\n"
    return lines


def main() -> None:
    program, folder = Path(sys.argv[1]), Path(sys.argv[2])
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    options = read_options(text)
    if not options:
        sys.exit(f"{program} --help lists no option")
    name = program.name
    for path, write in ((f"bash/{name}", bash), (f"zsh/_{name}", zsh), (f"fish/{name}.fish", fish)):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(write(name, options), encoding="utf-8")


if __name__ == "__main__":
    main()
