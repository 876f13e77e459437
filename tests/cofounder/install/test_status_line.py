import io

from cofounder.install.status_line import AGAIN_SECONDS, StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_updated_and_cleared() -> None:
    out, now = Terminal(), 0.0
    line = StatusLine(out, clock=lambda: now)
    line.show("PostgreSQL")
    now = 7.0
    line.show("PostgreSQL")
    line.show("the site")
    line.close()
    line.show("what is started again")

    assert "\n" not in out.getvalue()
    assert out.getvalue().split("\r\033[K")[1:] == [
        "Starting PostgreSQL",
        "Waiting for PostgreSQL, 7 s",
        "Starting the site",
        "",
    ]


def test_a_log_gets_a_line_for_each_part_and_another_when_it_takes_long() -> None:
    out, now = io.StringIO(), 0.0
    line = StatusLine(out, clock=lambda: now)
    line.show("the site")
    now = 1.0
    line.show("the site")
    now = AGAIN_SECONDS + 1.0
    line.show("the site")
    line.close()

    assert out.getvalue() == "Starting the site\nWaiting for the site, 31 s\n"
