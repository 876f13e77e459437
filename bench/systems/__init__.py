"""One module per system measured; each runs as a process of its own and prints what it measured as JSON."""
