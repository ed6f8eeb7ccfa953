"""What we know of the things at the providers: our id and theirs, and what they look like."""
