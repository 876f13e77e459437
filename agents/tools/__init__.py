"""What the agent can do: one module per tool, each with its schema, description, `run()` and label.

May import `preview`, `sandbox` and the values; knows nothing of money, people, answers or secrets.
"""

from agents.tools.toolbox import Toolbox

__all__ = ["Toolbox"]
