"""One module per system measured; each runs as its own process and prints its measurements as JSON."""
