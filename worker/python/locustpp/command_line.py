"""What the command line of `locustpp` has besides Locust's own, whose parser decides everything: a URL
in place of a locustfile, shell completion, and words on both in --help."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import locust
from locust.argument_parser import get_parser

SHELLS = ("bash", "zsh", "fish")
_FILES = {"config", "csv_prefix", "html_file", "json_file", "locustfile", "logfile", "tls_cert", "tls_key"}
_LOCUSTFILE = Path(__file__).with_name("quick.py")
_USAGE = """
Usage: locustpp [options] [UserClass ...]
  or:  locustpp URL [-u USERS] [-r RATE] [-t TIME]

Locust on a native engine: the same locustfiles, options and output.

A URL (http://... or https://...) takes the place of a locustfile: users request it again and
again without waiting, as a headless run. There are 10 of them, all started at once, for 10 s,
where -u, -r and -t do not say otherwise.
"""
_MORE = """
With locustpp:

  $ locustpp https://www.example.com/ -u 50 -t 30s
  $ locustpp -f my_test.py --worker --master-host 10.0.0.1

Shell completion, for bash, zsh (any folder of $fpath) and fish:

  $ locustpp --print-completion bash > ~/.local/share/bash-completion/completions/locustpp
  $ locustpp --print-completion zsh > ~/.zfunc/_locustpp
  $ locustpp --print-completion fish > ~/.config/fish/completions/locustpp.fish

Exit status:
  0  all is well
  1  there were failures (--exit-code-on-error changes that), a URL has not answered at all, or the
     run cannot start
  2  there is a mistake on the command line

Environment:
  LOCUSTPP_NATIVE=0
                        stock Locust, for comparison
  LOCUSTPP_EXIT_ON_MASTER_LOSS=1
                        a worker ends when its master is lost, instead of coming back to it
  LOCUSTPP_NO_STATUS=1
                        no status line where a worker runs in a terminal"""


url = ""  # for quick.py


class _Unclear(Exception):
    """The arguments mean nothing without the locustfile that adds to them, or are wrong."""


def prepare() -> None:
    """Does what is asked of locustpp itself, and leaves the rest in sys.argv for Locust."""
    locust.events.init_command_line_parser.add_listener(_add_to)
    words = sys.argv[1:]
    if {"-h", "--help", "-V", "--version"}.intersection(words):
        return  # Locust's, when it has loaded the locustfile
    parser = get_parser(default_config_files=())
    own_error, parser.error = parser.error, _unclear
    parser.allow_abbrev = False  # what is short of Locust's options may be the locustfile's
    try:
        options, unknown = parser.parse_known_args(words, env_vars={})
    except _Unclear as error:
        if "--print-completion" in words or any(
            _is_url(word) and not before.startswith("-") for before, word in zip(["", *words], words)
        ):
            own_error(str(error))
        return
    parser.error = own_error
    if options.print_completion:
        _print_completion(parser, options.print_completion)
    names = options.user_classes
    if unknown:  # options of the locustfile's own, and other words may be their values
        names = [name for name in names if name == words[0]]
    _take_url(parser, options.locustfile, names)


def _unclear(message: str) -> NoReturn:
    raise _Unclear(message)


def _add_to(parser: Any, **_: Any) -> None:
    """A listener of init_command_line_parser."""
    native = sys.modules.get(f"{__package__}._native")
    own = f"locustpp {native.__version__} with its native engine" if native else "locustpp without its native engine"
    parser.prog = "locustpp"
    parser.description = _USAGE
    parser.epilog = f"{parser.epilog or ''}\n{_MORE}".lstrip()
    for action in parser._actions:
        if action.dest == "version":
            action.version += f"\n{own}"
    parser.add_argument_group("Shell completion").add_argument(
        "--print-completion",
        choices=SHELLS,
        help="Print what completes the command line in this shell, and exit",
    )


def _print_completion(parser: argparse.ArgumentParser, shell: str) -> NoReturn:
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        parser.error("--print-completion is made by the package shtab: pip install 'shtab>=1.13'")
    for action in parser._actions:
        if action.dest in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif not action.option_strings:
            action.help = argparse.SUPPRESS  # nothing to propose, but zsh would stop at proposing it
    print(shtab.complete(parser, shell))
    parser.exit()


def _take_url(parser: argparse.ArgumentParser, locustfile: str, names: list[str]) -> None:
    """Where a URL stands in place of a locustfile, gives Locust one in which the user class has the
    URL for a name."""
    global url
    urls = list(filter(_is_url, names))
    if not urls:
        for name in names:
            if any(sign in name for sign in ".:/"):
                parser.error(f"'{name}' is no User class; to request a URL, write http://{name.split('://')[-1]}")
        return
    if locustfile != parser.get_default("locustfile"):
        parser.error(f"a URL takes the place of a locustfile; for the host of {locustfile}, write --host {urls[0]}")
    if len(names) > 1:
        parser.error("a single URL takes the place of a locustfile; to request more than that, write a locustfile")
    if not _is_complete(urls[0]):
        parser.error(f"'{urls[0]}' is no URL; write one as in http://localhost:8080/path")
    url = urls[0]
    sys.argv[1:1] = ["--headless", "--locustfile", str(_LOCUSTFILE)]


def _is_url(word: str) -> bool:
    return word.lower().startswith(("http://", "https://"))


def _is_complete(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and not any(sign.isspace() for sign in url)
    except ValueError:
        return False
