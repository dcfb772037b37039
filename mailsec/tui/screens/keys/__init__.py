"""The screens about keys: what is kept, decisions on trust, passwords."""
