"""Pulls: executions of schedules, which read a provider's lists page by page and keep our records in step with them."""
