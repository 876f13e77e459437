"""Where things are in a sandbox: the workspace, our own files, and what is not worth keeping."""

ROOT = "/home/user/app"  # the workspace
STATE = "/home/user/.cofounder"  # ours: logs, process groups, snapshots on their way

# The start of a script in the workspace. A command may have deleted it, closed it or put a file in its place.
ENTER = r"""
[ -d "$HOME/app" ] || rm -f -- "$HOME/app"
mkdir -p -- "$HOME/app"
[ -x "$HOME/app" ] && [ -w "$HOME/app" ] || chmod u+rwx -- "$HOME/app"
cd "$HOME/app" || exit 1
"""

# Directories that commands can create again from the other files; they are neither saved nor searched.
EXCLUDED = (
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".next",
    ".nuxt",
    ".turbo",
    ".parcel-cache",
    ".cache",
    ".gradle",
    "bower_components",
)
