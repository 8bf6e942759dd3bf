"""The command line `locustpp`: Locust's own, with the native parts put in."""

from __future__ import annotations

import os
import sys


def main() -> None:
    if os.environ.get("LOCUSTPP_NATIVE") == "0":
        print("locustpp: LOCUSTPP_NATIVE=0, this is stock Locust", file=sys.stderr)
    else:
        try:
            from .patch import install

            install()
        except ImportError as error:
            print(f"locustpp: the native engine cannot be loaded ({error}); this is stock Locust", file=sys.stderr)
    from locust.main import main as locust_main

    locust_main()


if __name__ == "__main__":
    main()
