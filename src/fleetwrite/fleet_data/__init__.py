"""All that is kept of one fleet: handed out in a file, and erased."""
