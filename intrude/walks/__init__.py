"""One kind of attack in each module: `walk(scene)` tries, and tells the scene's report what it found.

May import what is beside it.
"""
