# make demo    the demonstration mailbox, made and shown
# make test    all tests; names what it skips because a program of somebody else is missing
# make lab     installs the programs that tests talk to (Debian, as root)
# make check   formatting, lint, types, the layers
# make docs    the documentation as a site, in build/site; needs no network
# make bench   figures beside the peers, in one run
# make fuzz    coverage-guided fuzzing; FUZZ_SECONDS a target
#
# Works with any Python of 3.11 or later; PYTHON=/path/to/python3 names one.

.POSIX:
.PHONY: demo test lab check docs pictures bench bench-short fuzz fuzz-short clean

BIN = .venv/bin
TESTS =
FUZZ_SECONDS = 600

demo:
	@scripts/environment run
	@$(BIN)/mailsec demo

test:
	@scripts/environment develop
	$(BIN)/pytest -n auto --dist worksteal -q $(TESTS)

lab:
	@scripts/lab

check:
	@scripts/environment develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs:
	@scripts/environment develop
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

pictures:
	@scripts/environment develop
	$(BIN)/python scripts/pictures

bench:
	@scripts/environment develop
	$(BIN)/python -m benchmarks

bench-short:
	@scripts/environment develop
	$(BIN)/python -m benchmarks --short

fuzz:
	@scripts/environment develop
	@scripts/environment fuzz
	$(BIN)/python -m fuzz --seconds $(FUZZ_SECONDS)

fuzz-short:
	@$(MAKE) fuzz FUZZ_SECONDS=20

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
