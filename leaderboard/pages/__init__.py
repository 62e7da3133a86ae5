"""The content of each page and section, computed from boards and stored records for the templates."""
