"""The programs that open a file: the user's pager, and the desktop's opener where there is a desktop."""

from __future__ import annotations

import pytest

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.tui.terminal.open_file import opener_command, pager_command


def test_the_pager_is_the_users_then_less() -> None:
    path = {"PATH": "/usr/bin:/bin"}
    assert pager_command(path | {"PAGER": "cat -v"}) == ["cat", "-v"]
    assert pager_command(path)[0] in ("less", "more")
    with pytest.raises(BatchError, match="not a program"):
        pager_command(path | {"PAGER": "'"})
    with pytest.raises(BatchError, match="no pager"):
        pager_command({"PATH": "/nowhere"})


def test_without_a_desktop_there_is_an_error_with_a_hint() -> None:
    assert opener_command({}, "darwin") == ["open"]
    for environment in ({"SSH_TTY": "/dev/pts/1"}, {}, {"DISPLAY": ":0", "PATH": "/nowhere"}):
        with pytest.raises(BatchError) as error:
            opener_command(environment, "linux")
        assert error.value.hint == "{job.page} shows it here, in $PAGER."
