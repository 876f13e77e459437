"""When the agent needs the founder: error signatures, escalations, answers. May import `jobs`."""
