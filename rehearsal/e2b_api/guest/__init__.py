"""What runs inside a sandbox: commands, files and ports. Imports nothing but the standard library."""
