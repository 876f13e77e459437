"""The money: prices, allowance, ledger, renewal, the time to wake, and reports. Amounts are integer µ$.

May import `models`, `database` and the values; knows nothing of sandboxes, the model's client or sessions.
"""
