"""The audit log: who did what to what, when and from where. Nothing is ever changed in it or taken out of it."""
