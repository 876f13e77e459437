"""The rehearsal's interview: questions, a brief and promises by simple rules on what the sentence says.

Imports nothing of the project. `script` holds the rules; the words are in `words/`, one file a language, and
`example.yaml` is the interview of the demo's own example.
"""
