"""A stand-in for the Anthropic API over HTTP; its model follows scripted plays."""
