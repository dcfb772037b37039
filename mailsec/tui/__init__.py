"""The client: mail opened, read and understood in a terminal."""
