"""What is being built: projects, briefs, builds, phases, the event log, the clock. Imports no other app."""
