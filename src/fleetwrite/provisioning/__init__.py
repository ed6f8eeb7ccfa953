"""What an operator brings along: many connections at once, with the credentials that they have already."""
