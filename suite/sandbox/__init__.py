"""Where generated programs run and are judged, and can do no harm."""
