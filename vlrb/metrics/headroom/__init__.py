"""Is there anything to route? What outcomes alone show of it, before any router is trained."""
