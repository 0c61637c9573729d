"""The one entry point: the application, or with a private argument its media process."""

import sys


def cli() -> int:
    if "--media-process" in sys.argv:
        from welink_desktop.adapters.media.process.main import main

        main()
    return 0


gui = cli

if __name__ == "__main__":
    sys.exit(cli())
