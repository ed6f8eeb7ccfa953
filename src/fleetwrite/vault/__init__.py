"""Seals and opens secrets. The only place that turns them into bytes for a table, and back."""
