"""An attacker's walk against a running install: `python -m intrude http://localhost:8000`.

It speaks to the site over the network alone, as a stranger does, with accounts that it makes and deletes.
`intrude.routes` asks Django for the list of addresses. May import nothing of ours.
"""
