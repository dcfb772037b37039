"""`mailsec smime keys`: own keys, whom one trusts, and the certificates of correspondents."""
