"""What runs inside a sandbox, with the standard library alone: commands, files and ports for the server."""
