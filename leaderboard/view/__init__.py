"""How values are shown, whatever the page: numbers, cells, badges, text that is not trusted, URLs."""
