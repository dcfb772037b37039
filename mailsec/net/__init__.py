"""The network: DNS (`mailsec.net.resolver`) and its stand-in from a file (`mailsec.net.zone`)."""
