"""What is kept of what ran: the store, and records that others can check and import."""
