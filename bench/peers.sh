#!/bin/sh
# Measures hone beside other CPU engines on the same texts. The first run fetches them from PyPI (some 3 GB, into
# build/) and builds llama.cpp; later ones need no network. Arguments go to bench/peers/run.py; --help lists them.
# Needs the Debian packages python3-venv, cmake and g++.
set -eu
cd "$(dirname "$0")/.."

llama=llama-cpp-python==0.3.36
hone=${HONE:-build/hone}
venv=build/peers-venv
sources=build/peers/sources

if [ ! -e $venv/complete ]; then
    python3 -m venv $venv
    $venv/bin/pip install -q -r bench/peers/requirements.txt
    mkdir -p $sources
    # Built here, for this CPU; without it the other engines are measured all the same.
    if ! { $venv/bin/pip download -q --no-deps --no-binary llama-cpp-python -d $sources $llama &&
        CMAKE_ARGS="-DGGML_NATIVE=ON -DCMAKE_BUILD_TYPE=Release" \
            $venv/bin/pip install -q $sources/llama_cpp_python-*.tar.gz; }; then
        echo "peers: llama.cpp could not be built and is left out" >&2
    fi
    touch $venv/complete
fi

exec $venv/bin/python -B bench/peers/run.py --hone "$hone" --library "$(dirname "$hone")/libhone.so.0" "$@"
