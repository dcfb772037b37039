"""The client's own widgets."""
