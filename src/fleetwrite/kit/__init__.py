"""Ground that every other part stands on: ids, time, database, HTTP out. Knows no word of the domain."""
