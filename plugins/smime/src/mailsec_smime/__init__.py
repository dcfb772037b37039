"""S/MIME (RFC 8551) for mailsec: opens and signs."""
