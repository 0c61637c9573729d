"""The one entry point: the application, or with a private argument one of its helper processes."""

import sys


def cli() -> int:
    """Exit code of the process. Helper processes are recognised before anything else is loaded."""
    if "--media-process" in sys.argv:
        from welink_desktop.adapters.media.process.main import main as media_process

        media_process()
        return 0
    if "--picture-helper" in sys.argv:
        from welink_desktop.ui.pictures.helper import main as picture_helper

        return picture_helper()
    from welink_desktop.app.options import parse

    options = parse(sys.argv[1:])
    if options.selftest:
        from welink_desktop.app.selftest import main as selftest

        return selftest(options)
    from welink_desktop.app.lifecycle import run

    return run(options)


gui = cli

if __name__ == "__main__":
    sys.exit(cli())
