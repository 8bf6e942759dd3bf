"""The command line `locustpp`: Locust's own, with the native parts put in."""

from __future__ import annotations

from . import install


def main() -> None:
    install()
    from locust.main import main as locust_main

    from . import command_line

    command_line.prepare()
    locust_main()


if __name__ == "__main__":
    main()
