"""What the agent can do: one module per tool, each with its schema, description, `run()` and label."""

from agents.tools.toolbox import Toolbox

__all__ = ["Toolbox"]
