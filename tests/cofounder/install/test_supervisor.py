import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from cofounder.install import supervisor
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

    assert install._spawn_rehearsal() is None
    assert install.env["REHEARSED_MODEL"] == "False"


def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: Mapping[str, str]) -> Install:
    """An install with what stands in for missing keys started, and stopped again."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    for name in ("ANTHROPIC_API_KEY", "E2B_API_KEY", "REHEARSAL", "LOCAL_SANDBOX"):
        monkeypatch.delenv(name, raising=False)
    install = Install(port=None, settings=keys)
    with install._open:
        rehearsal = install._spawn_rehearsal()
        assert rehearsal is not None
        install._use(rehearsal)
    return install


@pytest.mark.services
def test_with_a_model_s_key_alone_nothing_is_called_a_rehearsal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install = stand_ins(tmp_path, monkeypatch, {"ANTHROPIC_API_KEY": "real"})
    sentence = "Commands run in the local sandbox: confined on this machine, without network."
    assert install.env["LOCAL_SANDBOX"] == sentence
    assert install.notes == [sentence]
    assert install.rehearsal == install.env.get("REHEARSAL", "") == ""
    assert install.env["ANTHROPIC_API_KEY"] == "real"
    assert install.env["E2B_API_KEY"] == (tmp_path / "rehearsal" / "e2b" / "key").read_text()


@pytest.mark.services
def test_the_sandbox_s_network_is_said_as_it_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = stand_ins(tmp_path, monkeypatch, {"LOCAL_SANDBOX_NETWORK": "public"})
    assert install.notes == [
        supervisor.A_SCRIPT,
        "Commands run in the local sandbox: confined on this machine, with the public network only.",
    ]


@pytest.mark.services
def test_a_bad_limit_stops_the_start_with_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StartFailed, match="LOCAL_SANDBOX_DISK_MB is 'big', but must be a whole number"):
        stand_ins(tmp_path, monkeypatch, {"LOCAL_SANDBOX_DISK_MB": "big"})
