"""Figures beside the peers, measured in one run: `python -m benchmarks [--short] [--json] [NAME …]`.

Such machines are noisy. Ours and the peer's take turns, and what counts is the median of the ratios of the
rounds; an absolute figure is only a help for reading them.
"""
