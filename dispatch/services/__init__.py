"""What happens to editions (`editions`), to dispatches (`dispatches`) and to each delivery (`deliveries`), and who is told
of it (`telling`).
"""
