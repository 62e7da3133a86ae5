"""The data behind the pages: readers of the store and of published records, and the data files beside the pages."""
