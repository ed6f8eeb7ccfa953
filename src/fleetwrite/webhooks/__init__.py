"""Who is told of events, and the telling: subscriptions, signing, deliveries."""
