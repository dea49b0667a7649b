"""Says at the end how much was tried, and what was answered."""

import pytest

from tests.fuzz.profile import tried


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for suite, statuses in tried.items():
        answers = ", ".join(
            f"{status} {count:,} times" for status, count in sorted(statuses.items())
        )
        terminalreporter.write_line(f"{suite}: {statuses.total():,} attacks; {answers}")
