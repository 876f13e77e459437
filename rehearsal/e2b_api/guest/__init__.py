"""What runs inside a sandbox, using only the standard library: commands, files and ports."""
