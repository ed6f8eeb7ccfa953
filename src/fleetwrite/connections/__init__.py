"""A fleet's accounts at its providers: who may use them, what state they are in, how to log in."""
