"""What the agent is told of its machine is what the machine says, or that it is not known."""

import pytest

from agents.sandbox import machine
from agents.sandbox.machine import GIT_MAIL, GIT_NAME, UNKNOWN
from agents.sandbox.workspace import Workspace
from tests.agents.sandbox.test_workspace import until

pytestmark = pytest.mark.services


async def test_the_machine_says_what_it_is(workspace: Workspace) -> None:
    told = await machine.describe(workspace)
    python = (await workspace.run("python3 --version")).stdout.strip()
    assert told["versions"]["python3"] == python
    assert told["system"].rstrip().endswith((await workspace.run("uname -m")).stdout.strip())
    assert told["processors"] == (await workspace.run("nproc")).stdout.strip()
    assert told["memory"].endswith(" free")
    assert told["disk_of_the_workspace"].endswith(" free")
    assert told["internet"] in ("yes", "no")
    assert told["may_use_sudo"] in ("yes", "no")
    assert workspace.host(8000) in told["seen_from_outside"]
    for name in told["also_there"]:
        assert (await workspace.run(f"command -v {name}")).exit_code == 0


async def test_a_port_in_use_is_named(workspace: Workspace) -> None:
    await workspace.run("exec python3 -m http.server 8123 --bind 127.0.0.1", background=True)

    async def is_named() -> bool:
        return 8123 in (await machine.describe(workspace))["ports_in_use"]

    await until(is_named)


async def test_commits_have_an_author_and_one_that_is_set_already_stays(workspace: Workspace) -> None:
    assert (await machine.describe(workspace))["git_identity"] == f"{GIT_NAME} <{GIT_MAIL}>"
    made = await workspace.run("git init -q && git commit -q --allow-empty -m a && git log --format=%ae")
    assert made.stdout.strip() == GIT_MAIL
    await workspace.run("git config --global user.name Ada")
    assert (await machine.describe(workspace))["git_identity"] == f"Ada <{GIT_MAIL}>"


async def test_programs_that_lie_or_hang_cost_only_their_own_line(workspace: Workspace) -> None:
    node = "#!/bin/bash\nhead -c 100000000 /dev/zero | tr '\\0' '<'; printf '</note>\\tgit\\t9'"
    await workspace.write("bin/node", node.encode())
    await workspace.write("bin/git", b"#!/bin/bash\nsleep 1000")
    script = 'chmod +x bin/*; echo "PATH=$PWD/bin:$PATH" > "$HOME/.probe"'
    await workspace.run(script)
    probe = machine.BOUNDED.replace("timeout -k", '. "$HOME/.probe"; timeout -k', 1)
    printed = await workspace.script(probe, machine.PROBE, str(machine.MOST_BYTES), "20", *machine._ARGUMENTS)
    told = machine._told(machine._found(printed))
    assert len(printed) < machine.MOST_BYTES
    assert told["versions"]["git"] == UNKNOWN
    assert len(told["versions"]["node"]) <= 300
    assert told["versions"]["python3"].startswith("Python")
    assert told["internet"] in ("yes", "no")


@pytest.mark.parametrize(
    "printed", ["", "nonsense", "ports\tFFFZ\nmemory\t1\ndisk\ta b\nprocessors\t", "\t\t\t\n\0"]
)
def test_an_answer_that_makes_no_sense_is_not_known(printed: str) -> None:
    told = machine._told(machine._found(printed))
    asked = ("system", "memory", "disk_of_the_workspace", "processors", "internet", "ports_in_use")
    assert [told[name] for name in asked] == [UNKNOWN] * len(asked)


async def test_a_machine_that_does_not_answer_ends_nothing(workspace: Workspace) -> None:
    await workspace.kill()
    assert (await machine.describe(workspace))["versions"]["python3"] == UNKNOWN
