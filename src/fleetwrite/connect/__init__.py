"""The connect page: where fleets say yes or no, connect their providers, and come back to see what is done."""
