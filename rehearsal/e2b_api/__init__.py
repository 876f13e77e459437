"""A stand-in for E2B on the wire: its control plane, envd and the previews of what runs in a sandbox."""
