#!/bin/sh
# How fast hone tokenizes beside Hugging Face's tokenizers. The first run fetches that from PyPI, into build/. Needs
# python3-venv, and data/packages.txt of `make demo`. Arguments go to bench/tokenizer.py.
set -eu
cd "$(dirname "$0")/.."
venv=build/tokenizer-venv
if [ ! -e $venv/complete ]; then
    python3 -m venv $venv
    $venv/bin/pip install -q tokenizers==0.23.3 gguf==0.19.0
    touch $venv/complete
fi
exec $venv/bin/python -B bench/tokenizer.py "$@"
