"""What each page shows, and each section of a page: from boards and stored records to what templates take."""
