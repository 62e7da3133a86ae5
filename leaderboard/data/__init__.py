"""What pages are made of: reading the store and published records, and the data files beside the pages."""
