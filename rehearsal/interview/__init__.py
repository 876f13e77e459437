"""The rehearsal's interview: questions, a brief and promises by simple rules on what the sentence says.

Imports nothing of the project. The words are in the folder words, one file a language, and one
for the demo's own example.
"""
