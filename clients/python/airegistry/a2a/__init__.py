"""Messages of the Agent2Agent protocol, which agents speak; not an API of ours. LICENSE beside this is of its definition."""
