"""Coverage-guided fuzzing with atheris: `python -m fuzz [--seconds N] [TARGET …]`.

Each target takes octets of any kind and asserts what must hold for all of them: no exception, nothing lost, no
hang (a time limit for each input), no unbounded memory (a limit for the process).
"""
