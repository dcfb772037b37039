"""DKIM (RFC 6376, 8301, 8463) for mailsec: verifies and signs."""
