# The tools come from the environment that is active; `pip install -e '.[test]'` brings them.

.PHONY: check format test house peer slow keras demo

check:            ## everything that must pass before a change is merged
	.ci/check

format:           ## rewrite the files as the formatter and the safe lint fixes want them
	ruff format
	ruff check --fix

test:             ## the default suite, two processes
	pytest -n 2

house:            ## rules that no linter knows
	pytest tests/house

peer:             ## compare with real TensorFlow: PENSTOCK_PEER_PYTHON=<its python> make peer
	pytest -m peer

slow:             ## load, chaos and whole-program tests
	pytest -m slow

keras:            ## the test files of the Keras wheel
	pytest -m keras

demo:             ## train, export, serve, report
	penstock demo
