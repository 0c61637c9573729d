"""The example in the package's docstring is true."""

import doctest

from welink_desktop.adapters.matrix import crypto


def test_the_example_runs() -> None:
    result = doctest.testmod(crypto)
    assert result.attempted >= 9
    assert not result.failed
