"""A stand-in for the Anthropic API on the wire; the model behind it plays plays."""
