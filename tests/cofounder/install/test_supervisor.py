import socket

import pytest

from cofounder.install.supervisor import Install, refuse_taken_port
from cofounder.install.waiting import StartFailed


def test_a_taken_port_is_refused_with_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        with pytest.raises(StartFailed, match=f"Port {port} cannot be used"):
            refuse_taken_port("127.0.0.1", port)


def test_an_invalid_host_is_refused() -> None:
    with pytest.raises(StartFailed, match="--host"):
        refuse_taken_port("300.1.2.3", 8000)


def test_with_a_key_the_model_is_no_rehearsal_whatever_the_environment_says() -> None:
    keys = {"ANTHROPIC_API_KEY": "real", "E2B_API_KEY": "real", "REHEARSED_MODEL": "true"}
    install = Install(port=None, settings=keys)

    install._start_rehearsal()

    assert install.env["REHEARSED_MODEL"] == "False"
