"""The files: manifest, save, restore, differences, the code as a zip, files that hold secrets.

May import `sandbox` and the rooms below it; knows nothing of previews, failures or sessions.
"""
