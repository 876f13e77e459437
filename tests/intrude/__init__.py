"""The attacker's walk, against this site, and against one with holes in it."""
