"""`mailsec smime sign`, `verify`, `encrypt` and `decrypt`: messages and files, in pipes and between files."""
