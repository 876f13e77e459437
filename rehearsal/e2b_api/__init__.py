"""A stand-in for E2B over HTTP: its control plane, envd, and previews of what runs in a sandbox.

Imports nothing else of the rehearsal.
"""
