"""The drill: a rehearsed build in a throwaway install, put through what happens in days of operation.

May import `install`, the rooms below it and the apps. It starts the rehearsal as a program, without an
import.
"""
